import assert from 'node:assert/strict';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { adminToken, runSallyport, startSallyport } from '../sallyport.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';
import { createWorkdir } from '../servers/workdir.ts';

const owner = { after };
const { path: policies } = createWorkdir('policies', owner);
const policy = join(policies, 'gate.rego');

/** As a whole, for a reload may come at any moment. */
const write = (file: string, text: string): void => {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
};

const opens = (path: string) => `package gate

default allow := false

allow if input.request.path == "${path}"
allow if input.request.path in data.paths
`;

write(policy, opens('/a/one'));
const rule = 'name: asked, match: { path: "/a/**" }, accept: [anonymous]';
const config = `workers: 2
policy: { path: "${policies}", timeout: 5s }
rules: [{ ${rule}, policy: data.gate.allow }]
`;
const gate = await startSallyport({ owner, config });
const readyAtMs = Date.now();
const file = join(gate.directory, 'sallyport.yaml');

/** Each on a connection of its own, which go to the workers in turn. */
const everywhere = async (path: string): Promise<number[]> => {
  const answers = Array.from({ length: 6 }, () => request(gate.url, `/auth/native${path}`));
  return [...new Set((await Promise.all(answers)).map(({ status }) => status))];
};

const reload = async () => {
  const headers = { Authorization: `Bearer ${adminToken}` };
  const { status, body } = await request(gate.adminUrl, '/admin/reload', { method: 'POST', headers });
  return { status, body: JSON.parse(body) };
};

const workersOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);

test('a rule asks the policy of its directory', async () => {
  assert.deepEqual([await everywhere('/a/one'), await everywhere('/a/two')], [[200], [403]]);
});

test('a policy that changed is taken over by a reload, in all workers', async () => {
  write(policy, opens('/a/two'));
  assert.deepEqual([await everywhere('/a/one'), await everywhere('/a/two')], [[200], [403]]);
  assert.deepEqual(await reload(), {
    status: 200,
    body: { outcome: 'changed', generation: 2, changed: [`policy_files[${JSON.stringify(policy)}]`] },
  });
  assert.deepEqual([await everywhere('/a/one'), await everywhere('/a/two')], [[403], [200]]);
});

test('data that are new are taken over by SIGHUP', async () => {
  write(join(policies, 'data.json'), '{"paths": ["/a/three"]}');
  process.kill(gate.pid, 'SIGHUP');
  await until('the data are in use', async () => (await everywhere('/a/three')).join() === '200');
});

test('a policy that cannot be used changes nothing, and is named with its line', async () => {
  write(policy, `${opens('/a/four')}\nallow if input.request.method == method\n`);
  const { status, body } = await reload();
  assert.deepEqual([status, body.code], [409, 'reload_refused']);
  assert.match(
    body.detail,
    new RegExp(`^${policy}:8:34: use of undefined variable \`method\` is unsafe; "method" has`, 'm'),
  );
  assert.deepEqual([await everywhere('/a/two'), await everywhere('/a/four')], [[200], [403]]);
});

test('a worker that is started later runs the policy in use, whatever the file says by then', async () => {
  // One that dies right after its start is taken for one that cannot start.
  await until('the workers are some seconds old', () => Date.now() - readyAtMs > 5_100);
  const [worker = 0] = workersOf(gate.pid);
  process.kill(worker, 'SIGKILL');
  await until('another took its place', () => {
    const now = workersOf(gate.pid);
    return now.length === 2 && !now.includes(worker);
  });
  await until('it answers', async () => (await everywhere('/a/two')).join() === '200');
  assert.deepEqual(await everywhere('/a/four'), [403]);
});

test('a query that the policies stopped answering is shown where the configuration asks it', async () => {
  write(policy, opens('/a/five').replaceAll('allow', 'permit'));
  const { status, body } = await reload();
  assert.equal(status, 409);
  assert.match(body.detail, /sallyport\.yaml:\d+:\d+ rules\[0\]\.policy: .*no policy has the rule data\.gate\.allow/);
});

test('the service does not start with a policy that it cannot use, and says why', () => {
  write(policy, 'package gate\n\nallow { true }\n');
  const { status, stderr } = runSallyport(['serve', '--config', file], { cwd: gate.directory });
  assert.equal(status, 1);
  assert.match(stderr, new RegExp(`${policy}:3:7: \`if\` keyword is required before rule body; policies are Rego v1`));
});

test('a directory without policies is refused as it is read', async () => {
  const { path: empty } = createWorkdir('no-policies', owner);
  write(file, readFileSync(file, 'utf8').replace(policies, empty));
  const { status, body } = await reload();
  assert.equal(status, 409);
  assert.ok(
    body.detail.includes(`${empty}: holds no policy; policies are files whose name ends in .rego`),
    body.detail,
  );
});
