// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts under test are references to variables
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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

test('a valid file gives one line: its rules, and what is not available yet', () => {
  assert.deepEqual(validate(good, { env: {}, cwd }), {
    exitCode: 0,
    output: 'good.yaml: valid, 1 rule; not available yet: pods',
  });
});

test('a valid file gives the same as JSON', () => {
  const { exitCode, output } = validate(good, { env: { REDIS_URL: 'redis://x' }, cwd, json: true });
  assert.equal(exitCode, 0);
  assert.deepEqual(JSON.parse(output), {
    valid: true,
    file: 'good.yaml',
    rules: 1,
    notices: ['the environment variable REDIS_URL sets redis', 'pods is on, but no rule starts one'],
    unavailable: [
      {
        file: 'good.yaml',
        line: 1,
        column: 7,
        path: 'pods',
        message: 'provisioning pods is not available yet',
      },
    ],
    problems: [],
  });
});

test('of a reverse proxy its routes are counted', () => {
  const sidecar = file('sidecar.yaml', 'proxy: { auth: { enabled: false } }');
  assert.equal(validate(sidecar, { env: {}, cwd }).output, 'sidecar.yaml: valid, a reverse proxy with 1 route');
});

test('a wrong file gives a line for each problem, and exit code 1', () => {
  const { exitCode, output } = validate(bad, { env: {}, cwd });
  assert.equal(exitCode, 1);
  assert.deepEqual(output.split('\n'), [
    'bad.yaml:1:10 workers: out of range; found 0, expected a whole number, from 1 to 1024',
    'bad.yaml:2:1 admin.token: the admin listener has no token; expected a token of at least 16 characters; to do it all the same, start with --insecure-admin',
  ]);
});

test('a wrong file gives its problems as JSON too', () => {
  const { exitCode, output } = validate(bad, { env: {}, cwd, json: true, insecure: new Set(['insecure-admin']) });
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

test('without its variables and secret files a file is checked only when told to do without', () => {
  assert.equal(validate(incomplete, { env: {}, cwd }).exitCode, 1);
  assert.deepEqual(validate(incomplete, { env: {}, cwd, withoutEnv: true }), {
    exitCode: 0,
    output: 'incomplete.yaml: valid, 0 rules',
  });
});

test('a file that is not there is a problem', () => {
  assert.deepEqual(validate('gone.yaml', { env: {}, cwd }), {
    exitCode: 1,
    output: 'gone.yaml: no such file; check --config or AUTHZ_CONFIG_PATH, or make one with: sallyport init',
  });
});
