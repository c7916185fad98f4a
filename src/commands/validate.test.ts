// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts under test are references to variables
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { validate } from './validate.ts';

const cwd = mkdtempSync(join(tmpdir(), 'sallyport-validate-'));
after(() => rmSync(cwd, { recursive: true }));

const file = (name: string, text: string): string => {
  writeFileSync(join(cwd, name), text);
  return name;
};

const good = file('good.yaml', 'pods: {}\nrules: [{ name: a, accept: api_key }]');
const bad = file('bad.yaml', 'workers: 0\nadmin: {}');
const incomplete = file('incomplete.yaml', 'store: "${DATABASE}"\nadmin: { token: "file:/gone/token" }');

test('a valid file gives one line: its rules', async () => {
  assert.deepEqual(await validate(good, { env: {}, cwd }), {
    exitCode: 0,
    output: 'good.yaml: valid, 1 rule',
  });
});

test('a valid file gives the same as JSON', async () => {
  const { exitCode, output } = await validate(good, { env: { REDIS_URL: 'redis://x' }, cwd, json: true });
  assert.equal(exitCode, 0);
  assert.deepEqual(JSON.parse(output), {
    valid: true,
    file: 'good.yaml',
    rules: 1,
    notices: ['the environment variable REDIS_URL sets redis', 'pods is on, but no rule starts one'],
    problems: [],
  });
});

test('of a reverse proxy its routes are counted', async () => {
  const sidecar = file('sidecar.yaml', 'proxy: { auth: { enabled: false } }');
  assert.equal((await validate(sidecar, { env: {}, cwd })).output, 'sidecar.yaml: valid, a reverse proxy with 1 route');
});

test('a wrong file gives a line for each problem, and exit code 1', async () => {
  const { exitCode, output } = await validate(bad, { env: {}, cwd });
  assert.equal(exitCode, 1);
  assert.deepEqual(output.split('\n'), [
    'bad.yaml:1:10 workers: out of range; found 0, expected a whole number, from 1 to 1024',
    'bad.yaml:2:1 admin.token: the admin listener has no token; expected a token of at least 16 characters; to do it all the same, start with --insecure-admin',
  ]);
});

test('a wrong file gives its problems as JSON too', async () => {
  const { exitCode, output } = await validate(bad, { env: {}, cwd, json: true, insecure: new Set(['insecure-admin']) });
  assert.equal(exitCode, 1);
  assert.deepEqual(JSON.parse(output), {
    valid: false,
    problems: [
      {
        file: 'bad.yaml',
        line: 1,
        column: 10,
        path: 'workers',
        message: 'out of range',
        found: '0',
        expected: 'a whole number, from 1 to 1024',
      },
    ],
  });
});

test('without its variables and secret files a file is checked only when told to do without', async () => {
  assert.equal((await validate(incomplete, { env: {}, cwd })).exitCode, 1);
  assert.deepEqual(await validate(incomplete, { env: {}, cwd, withoutEnv: true }), {
    exitCode: 0,
    output: 'incomplete.yaml: valid, 0 rules',
  });
});

test('a file that is not there is a problem', async () => {
  assert.deepEqual(await validate('gone.yaml', { env: {}, cwd }), {
    exitCode: 1,
    output: 'gone.yaml: no such file; check --config or AUTHZ_CONFIG_PATH, or make one with: sallyport init',
  });
});

const policies = (name: string, ...lines: string[]): string => {
  const folder = join(cwd, name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'orders.rego'), ['package orders', 'import rego.v1', ...lines, ''].join('\n'));
  return folder;
};

const asking = (folder: string, query: string): string =>
  file(
    `${query}.yaml`,
    `policy: { path: "${folder}" }\nrules: [{ name: a, match: { path: /a }, accept: api_key, policy: ${query} }]`,
  );

test('policies are read: what is wrong in one is told by its line, or where the question stands that shows it', async () => {
  const broken = policies('broken', 'allow if {');
  const [line = '', ...more] = (await validate(asking(broken, 'data.orders.ok'), { env: {}, cwd })).output.split('\n');
  assert.match(line, new RegExp(`^${join(broken, 'orders.rego')}:4:\\d+: `));
  assert.deepEqual(more, []);

  const sound = policies('sound', 'allow if input.request.method == "GET"');
  assert.deepEqual(await validate(asking(sound, 'data.orders.allow'), { env: {}, cwd }), {
    exitCode: 0,
    output: 'data.orders.allow.yaml: valid, 1 rule',
  });
  const unanswered = await validate(asking(sound, 'data.orders.alow'), { env: {}, cwd, json: true });
  assert.equal(unanswered.exitCode, 1);
  const [problem, ...others] = JSON.parse(unanswered.output).problems;
  assert.deepEqual(others, []);
  assert.deepEqual([problem.file, problem.line, problem.path], ['data.orders.alow.yaml', 2, 'rules[0].policy']);
});

test('policies that are not there are wrong, unless what is not here shall not be minded', async () => {
  const gone = asking(join(cwd, 'gone'), 'data.orders.gone');
  assert.deepEqual(await validate(gone, { env: {}, cwd }), {
    exitCode: 1,
    output: `${join(cwd, 'gone')}: there is no such file or directory; policy.path says where the policies are`,
  });
  assert.equal((await validate(gone, { env: {}, cwd, withoutEnv: true })).exitCode, 0);
});
