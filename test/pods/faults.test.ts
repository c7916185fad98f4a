/** An API server that fails in every way between the payment and the pod: one pod in the end, or the money back. */
import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ask, codeOf } from '../payments/ask.ts';
import { hold } from '../peers/faults.ts';
import { adminToken } from '../sallyport.ts';
import { startKubeApiserver } from '../servers/kube-apiserver.ts';
import type { Fault } from '../servers/kube-relay.ts';
import { needs } from '../servers/programs.ts';
import { enterNamespace, eventually } from './scene.ts';

const { skip } = needs('kube-apiserver', 'etcd');
const api = skip ? undefined : await startKubeApiserver({ owner: { after } });
const enter = (owner: Parameters<typeof enterNamespace>[1], pods: string, mintTimeout = '') =>
  enterNamespace(api ?? assert.fail('skipped'), owner, { pods, mintTimeout });

const quick = 'request_timeout: 500ms, wait_timeout: 1500ms, reap_interval: 1s';

const faults: readonly (readonly [what: string, fault: Fault])[] = [
  ['403', { status: 403 }],
  ['429', { status: 429, retryAfterSeconds: 1 }],
  ['500', { status: 500 }],
  ['slow', 'hang'],
  ['cut before its answer', 'cut_after'],
];

const makeLater = (fault: Fault) => async (t: TestContext) => {
  const scene = await enter(t, quick);
  const gate = await scene.serve();
  const [token, other] = [await scene.payer.token(8), await scene.payer.token(8)];
  scene.fail(fault, 'create', 'dry run');
  const refused = await ask(gate.url, token);
  assert.equal(codeOf(refused), 'pod_pending');
  assert.ok(Number(refused.headers['retry-after']) >= 1);
  assert.equal(codeOf(await ask(gate.url, other)), 'pods_unavailable');
  assert.equal(scene.mint.spentAmount(), 8);
  scene.relay.fail(() => undefined);
  await eventually('it is created', async () => (await scene.pods()).length === 1);
  const paid = await ask(gate.url, token);
  assert.equal(paid.status, 200, paid.body);
  assert.deepEqual(
    (await scene.pods()).map(({ metadata }) => metadata.name),
    [paid.headers['x-provisioned-pod']],
  );
  assert.equal(scene.mint.spentAmount(), 8);
};

test('what the create is answered with:', { skip, concurrency: true }, async (all) => {
  const cases = faults.map(([what, fault]) =>
    all.test(`${what}: pending, others keep their money, and the pod is made without its payer`, makeLater(fault)),
  );
  await Promise.all(cases);
});

test('once only: the create is made again while its payer waits', { skip }, async (t) => {
  const scene = await enter(t, quick);
  const gate = await scene.serve();
  let failures = 0;
  scene.relay.fail(({ method }) => (method === 'POST' && ++failures === 1 ? { status: 500 } : undefined));
  const { status } = await ask(gate.url, await scene.payer.token(8));
  assert.equal(status, 200);
  assert.equal((await scene.pods()).length, 1);
});

test('what cannot be made in time is credit again, which buys a pod later', { skip }, async (t) => {
  const scene = await enter(t, `${quick}, give_back_after: 2s`);
  const gate = await scene.serve();
  const token = await scene.payer.token(8);
  scene.fail({ status: 500 }, 'create');
  assert.equal(codeOf(await ask(gate.url, token)), 'pod_pending');
  await eventually('it is given back', async () => (await gate.metrics()).includes('result="given_back"'));
  scene.relay.fail(() => undefined);
  await eventually('credit buys one', async () => (await ask(gate.url, token)).status === 200);
  assert.equal((await scene.pods()).length, 1);
  assert.equal(scene.mint.spentAmount(), 8);
});

test("somebody else's pod of the name (409): it stays, and the credit buys one of another name", {
  skip,
}, async (t) => {
  const scene = await enter(t, quick);
  const gate = await scene.serve();
  const token = await scene.payer.token(8);
  scene.fail({ status: 500 }, 'create');
  assert.equal(codeOf(await ask(gate.url, token)), 'pod_pending');
  const headers = { authorization: `Bearer ${adminToken}` };
  const listed = await (await fetch(`${gate.adminUrl}/api/pods`, { headers })).text();
  const name = /"name":"(user-pod-[0-9a-f]{12})"/.exec(listed)?.[1] ?? assert.fail(listed);
  const containers = [{ name: 'main', image: 'theirs' }];
  const metadata = { name, namespace: scene.namespace };
  await scene.api.apply([{ apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers } }]);
  scene.relay.fail(() => undefined);
  await eventually('it is given back', async () => (await gate.metrics()).includes('result="given_back"'));
  await eventually('credit buys one', async () => (await ask(gate.url, token)).status === 200);
  const names = (await scene.pods()).map((pod) => pod.metadata.name);
  assert.equal(names.length, 2);
  assert.ok(names.includes(name));
  assert.notEqual((await ask(gate.url, token)).headers['x-provisioned-pod'], name);
  assert.equal(scene.mint.spentAmount(), 8);
});

test('without an API server: nobody is charged; back again, it goes on by itself', { skip }, async (t) => {
  const scene = await enter(t, quick);
  const gate = await scene.serve();
  const [before, token] = [await scene.payer.token(8), await scene.payer.token(8)];
  const first = await ask(gate.url, before);
  assert.equal(first.status, 200);
  await scene.api.crash();
  await eventually('it is noticed', async () => (await gate.readiness()) === 'degraded');
  assert.equal(codeOf(await ask(gate.url, token)), 'pods_unavailable');
  assert.equal(scene.mint.spentAmount(), 8);
  const running = await ask(gate.url, before);
  assert.deepEqual([running.status, running.headers['x-provisioned-pod']], [200, first.headers['x-provisioned-pod']]);
  await scene.api.start();
  await eventually('pods are sold again', async () => (await ask(gate.url, token)).status === 200);
  assert.equal((await scene.pods()).length, 2);
});

test('a watch that is cut is taken up again; what went meanwhile is made again for what is left', {
  skip,
}, async (t) => {
  const scene = await enter(t, quick);
  const gate = await scene.serve();
  const paid = await ask(gate.url, await scene.payer.token(8));
  const name = String(paid.headers['x-provisioned-pod']);
  scene.fail({ status: 503 }, 'watch', 'pods');
  scene.relay.cut();
  await scene.api.ask('DELETE', `/api/v1/namespaces/${scene.namespace}/pods/${name}`);
  assert.deepEqual(await scene.pods(), []);
  scene.relay.fail(() => undefined);
  await eventually('it is there again', async () => (await scene.pods())[0]?.metadata.name === name);
  assert.equal(scene.seen('delete'), 0);
  assert.match(await gate.metrics(), /^sallyport_pods_lost_total 1$/m);
});

const kills = [
  'the mint has not acted',
  'the mint has acted',
  'the create is under way',
  'the create is done',
] as const;

const killWhile = (when: (typeof kills)[number]) => async (t: TestContext) => {
  const scene = await enter(t, quick, '1s');
  const gate = await scene.start();
  const token = await scene.payer.token(8);
  const held = hold(when === 'the mint has acted' ? 'after' : 'before');
  const isAtMint = when.startsWith('the mint');
  if (isAtMint) scene.mint.faults.set('/v1/swap', held.fault, { times: 1 });
  else scene.fail(when === 'the create is done' ? 'cut_after' : 'hang', 'create');
  let lost = ask(gate.url, token);
  await eventually('it is under way', async () => {
    if (isAtMint ? held.waiting() === 1 : scene.seen('create') > 0) return true;
    // On a busy machine a call before that one may have come too late: whoever pays asks again.
    if (await Promise.race([lost, delay(50)])) lost = ask(gate.url, token);
    return false;
  });
  if (when === 'the create is done') scene.fail('hang', 'pods');
  gate.signal('SIGKILL');
  await assert.rejects(lost);
  await gate.exited();
  held.release();
  scene.relay.fail(() => undefined);
  const next = await scene.start({ directory: gate.directory });
  await eventually('it is paid for', async () => (await ask(next.url, token)).status === 200);
  const answer = await ask(next.url, token);
  assert.deepEqual(
    (await scene.pods()).map(({ metadata }) => metadata.name),
    [answer.headers['x-provisioned-pod']],
  );
  assert.equal(scene.mint.spentAmount(), 8);
};

test('killed while', { skip, concurrency: true }, async (all) => {
  const cases = kills.map((when) =>
    all.test(`${when}: the next process makes one pod, for one payment`, killWhile(when)),
  );
  await Promise.all(cases);
});
