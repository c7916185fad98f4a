import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { adminToken, runSallyport, startSallyport } from '../sallyport.ts';
import { type Answered, request } from '../servers/request.ts';
import { until } from '../servers/until.ts';

const owner = { after };

const rule = (path: string) => `{ name: open, match: { path: "${path}" }, accept: [anonymous] }`;

const gate = await startSallyport({ owner, config: `rules: [${rule('/one/**')}]\n` });
const file = join(gate.directory, 'sallyport.yaml');
const written = readFileSync(file, 'utf8');
const frame = written.slice(0, written.indexOf('rules:'));

const write = (rest: string): void => writeFileSync(file, `${frame}${rest}\n`);

const ask = async (path: string): Promise<number> => (await request(gate.url, `/auth/native${path}`)).status;

const admin = (method: string, path: string): Promise<Answered> =>
  request(gate.adminUrl, path, { method, headers: { Authorization: `Bearer ${adminToken}` } });

const reload = async () => {
  const { status, body } = await admin('POST', '/admin/reload');
  return { status, body: JSON.parse(body) };
};

const status = async () => JSON.parse((await admin('GET', '/admin/status')).body);

test('POST /admin/reload takes changed rules into use, and says which keys differ', async () => {
  write(`rules: [${rule('/two/**')}]`);
  assert.deepEqual(await reload(), {
    status: 200,
    body: { outcome: 'changed', generation: 2, changed: ['rules[0].match.path'] },
  });
  assert.deepEqual([await ask('/one/x'), await ask('/two/x')], [403, 200]);
  const { id, replicas } = await status();
  assert.equal(replicas.length, 1);
  assert.deepEqual([replicas[0].id, replicas[0].generation, replicas[0].last_error], [id, 2, null]);
});

test('a broken file changes nothing: the old rules go on, and the error says where and why', async () => {
  write(`rules: [${rule('/three/**')}]\nnonsense: 1`);
  const { status: refused, body } = await reload();
  assert.deepEqual([refused, body.code], [409, 'reload_refused']);
  assert.match(body.detail, /sallyport\.yaml:5:1 nonsense: unknown key/);
  assert.deepEqual([await ask('/two/x'), await ask('/three/x')], [200, 403]);
  const { replicas } = await status();
  assert.equal(replicas[0].generation, 2);
  assert.match(replicas[0].last_error.problems[0], /nonsense: unknown key/);
});

test('what cannot change while the service runs is named, and nothing else is taken over', async () => {
  write(`rules: [${rule('/three/**')}]\nworkers: 2\nlogger: { level: debug }`);
  const { status: refused, body } = await reload();
  assert.equal(refused, 409);
  assert.match(
    body.detail,
    /sallyport\.yaml:5:10 workers: differs, and cannot change while the service runs: restart it/,
  );
  assert.match(body.detail, /logger\.level: differs/);
  assert.equal(await ask('/three/x'), 403);
});

test('SIGHUP does the same, and writes one line with the keys that differ', async () => {
  write(`rules: [${rule('/three/**')}]`);
  process.kill(gate.pid, 'SIGHUP');
  await until('the new rules are in use', async () => (await ask('/three/x')) === 200);
  await until('it is logged', () =>
    gate.log().some(({ event, generation }) => event === 'reloaded' && generation === 3),
  );
  const [line] = gate.log().filter(({ event, generation }) => event === 'reloaded' && generation === 3);
  assert.deepEqual(line?.['changed'], ['rules[0].match.path']);
});

test('sallyport reload asks the running service, and says what differs or what is wrong', async () => {
  const listening = gate.adminUrl.replace('http://', '');
  const here = join(gate.directory, 'asking.yaml');
  const asking = (text: string) => writeFileSync(here, `${text.replace('"127.0.0.1:0"', `"${listening}"`)}\n`);
  const asked = () => runSallyport(['reload', '--config', here], { cwd: gate.directory });
  asking(frame.replace('addr: "127.0.0.1:0" }\nadmin', 'addr: ":0" }\nadmin'));
  write(`rules: [${rule('/four/**')}]`);
  assert.deepEqual(asked(), { status: 0, stdout: 'generation 4: differs: rules[0].match.path\n', stderr: '' });
  write('nonsense: 1');
  const { status: code, stderr } = asked();
  assert.deepEqual([code, /nonsense: unknown key/.test(stderr)], [1, true]);
  write(`rules: [${rule('/four/**')}]`);
});

test('metrics tell the generation and what came of reloads', async () => {
  const { body } = await request(gate.url, '/metrics');
  assert.match(body, /^sallyport_config_generation 4$/m);
  assert.match(body, /^sallyport_config_reloads_total\{result="changed"\} 3$/m);
  assert.match(body, /^sallyport_config_reloads_total\{result="refused"\} 3$/m);
  assert.match(body, /^sallyport_config_last_success_timestamp_seconds \d+/m);
});
