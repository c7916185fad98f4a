import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClusterFault, type ClusterFaultKind } from '../core/cluster-fault.ts';
import { isRefusal } from '../core/refusal.ts';
import { createScene } from './harness.test.ts';

const fault = (kind: ClusterFaultKind, retryAfterMs?: number) =>
  new ClusterFault(kind, `${kind}, says the test`, retryAfterMs === undefined ? {} : { retryAfterMs });

const codeOf = (outcome: unknown): string | undefined => (isRefusal(outcome) ? outcome.code : undefined);

test('the pod of a payment is created by one call, and told by its name', async () => {
  const { start, pay, cluster, store } = createScene();
  const { bring, problem } = await start();
  assert.equal(problem(), undefined);
  const row = pay();
  assert.deepEqual(await bring(row), { name: row.name, headers: {} });
  assert.equal(cluster.count('createPod'), 1);
  assert.equal(store.rows.get(row.name)?.stage, 'created');
});

test('fifty requests that bring one pod make one call', async () => {
  const { start, pay, cluster } = createScene();
  const { bring } = await start();
  const row = pay();
  const told = await Promise.all(Array.from({ length: 50 }, () => bring(row)));
  assert.deepEqual(new Set(told.map((each) => !isRefusal(each) && each.name)), new Set([row.name]));
  assert.equal(cluster.count('createPod'), 1);
});

test('two replicas that bring one pod find the same one', async () => {
  const { start, pay, cluster } = createScene();
  const [one, other] = [await start('one'), await start('two')];
  const row = pay();
  assert.deepEqual(await one.bring(row), await other.bring(row));
  assert.equal(cluster.pods.size, 1);
});

test('a pod that is there is told without a call, at once', async () => {
  const { start, pay, cluster, store } = createScene();
  const { bring } = await start();
  await bring(pay());
  const calls = cluster.calls.length;
  const [row] = store.rows.values();
  assert.ok(row);
  assert.deepEqual(bring(row), { name: row.name, headers: {} });
  assert.equal(cluster.calls.length, calls);
});

test('the application is told what the operator chose', async () => {
  const { start, pay, cluster, time } = createScene({ tell: ['ip', 'service', 'expires'] });
  const { bring } = await start();
  const { name, ...rest } = pay(60_000);
  await bring({ name, ...rest });
  cluster.change(name, { ip: '10.1.2.3' });
  assert.deepEqual(await bring({ name, ...rest, stage: 'created' }), {
    name,
    headers: {
      'X-Pod-IP': '10.1.2.3',
      'X-Pod-Service': `${name}.user-workloads.svc`,
      'X-Pod-Expires': new Date(time.now() + 60_000).toISOString(),
    },
  });
});

test('where the operator wants it ready, its payer waits for that, and not for ever', async () => {
  const { start, pay, cluster, time } = createScene({ wait: 'ready' });
  const { bring, of } = await start();
  const [first, second] = [pay(), pay()];
  const soon = Promise.resolve(bring(first));
  await time.pass(1_000);
  cluster.change(first.name, { isReady: true, phase: 'Running', ip: '10.1.2.3' });
  assert.deepEqual(await soon, { name: first.name, headers: {} });
  const late = Promise.resolve(bring(second));
  await time.pass(8_000);
  assert.equal(codeOf(await late), 'pod_pending');
  assert.deepEqual(
    of('onReady').map(([, pod, afterMs]) => [typeof pod, afterMs]),
    [['object', 1_000]],
  );
});

test('a call that fails is made again while its payer waits', async () => {
  const { start, pay, cluster, time } = createScene();
  const { bring } = await start();
  const row = pay();
  cluster.fail('createPod', fault('unreachable'));
  const brought = Promise.resolve(bring(row));
  await time.pass(100);
  cluster.fail('createPod', undefined);
  await time.pass(1_000);
  assert.deepEqual(await brought, { name: row.name, headers: {} });
});

test('a call whose answer is lost has made one pod, which is found', async () => {
  const { start, pay, cluster, time } = createScene();
  const { bring } = await start();
  const row = pay();
  cluster.fail('createPod', fault('unreachable'), 'after');
  const brought = Promise.resolve(bring(row));
  await time.pass(100);
  cluster.fail('createPod', undefined);
  await time.pass(1_000);
  assert.deepEqual(await brought, { name: row.name, headers: {} });
  assert.equal(cluster.pods.size, 1);
});

for (const [kind, afterMs] of [
  ['unreachable', undefined],
  ['unreachable', 30_000],
  ['forbidden', undefined],
  ['no_room', undefined],
] as const) {
  test(`${kind}${afterMs ? ' for a while' : ''} after the payment: pending, made later without the payer, and refused to others`, async () => {
    const { start, pay, cluster, store, time } = createScene();
    const { bring, problem } = await start();
    const row = pay();
    cluster.fail('createPod', fault(kind, afterMs));
    cluster.fail('tryPod', fault(kind, afterMs));
    const brought = Promise.resolve(bring(row));
    await time.pass(9_000);
    const refusal = await brought;
    assert.equal(codeOf(refusal), 'pod_pending');
    assert.ok(isRefusal(refusal) && Number(refusal.headers?.['Retry-After']) >= (afterMs ?? 2_000) / 1_000);
    assert.equal(codeOf(problem()), kind === 'no_room' ? 'pods_full' : 'pods_unavailable');
    cluster.fail('createPod', undefined);
    cluster.fail('tryPod', undefined);
    await time.pass(70_000);
    assert.equal(store.rows.get(row.name)?.stage, 'created');
    assert.equal(problem(), undefined);
  });
}

test('what cannot be made in time is credit again, and is told so', async () => {
  const { start, pay, cluster, store, time } = createScene();
  const { bring, of } = await start();
  const row = pay();
  cluster.fail('createPod', fault('unreachable'));
  const brought = Promise.resolve(bring(row));
  await time.pass(599_000);
  assert.equal(codeOf(await brought), 'pod_pending');
  assert.equal(store.rows.get(row.name)?.ending, undefined);
  await time.pass(4_000);
  assert.equal(store.rows.get(row.name)?.ending, 'given_back');
  assert.equal(of('onGivenBack').length, 1);
});

test('the same while nothing is heard of the cluster', async () => {
  const { start, pay, cluster, store, time } = createScene();
  await start();
  cluster.lose('the API server is away');
  const row = pay();
  await time.pass(604_000);
  assert.equal(cluster.count('createPod'), 0);
  assert.equal(store.rows.get(row.name)?.ending, 'given_back');
});

test('what can never be made is credit again at once', async () => {
  const { start, pay, cluster, store } = createScene();
  const { bring, problem } = await start();
  const row = pay();
  cluster.fail('createPod', fault('refused'));
  assert.equal(codeOf(await bring(row)), 'pods_unavailable');
  assert.equal(store.rows.get(row.name)?.ending, 'given_back');
  assert.equal(codeOf(problem()), 'pods_unavailable');
});

test("somebody else's pod of the name: credit again, and others are still served", async () => {
  const { start, pay, cluster, store } = createScene();
  const { bring, problem } = await start();
  const row = pay();
  cluster.pods.set(row.name, {
    name: row.name,
    uid: 'other',
    phase: 'Running',
    isReady: true,
    isBeingDeleted: false,
    paymentId: 'other',
  });
  assert.equal(codeOf(await bring(row)), 'pods_unavailable');
  assert.equal(store.rows.get(row.name)?.ending, 'given_back');
  assert.equal(problem(), undefined);
});

test('given back while its create was under way: the pod goes again', async () => {
  const { start, pay, cluster, store, time } = createScene();
  const { bring } = await start();
  const row = pay();
  const brought = Promise.resolve(bring(row));
  await store.giveBack(row.name, time.now());
  assert.equal(codeOf(await brought), 'pod_pending');
  assert.equal(cluster.pods.size, 0);
});

test('what a process left behind is made by the next one', async () => {
  const { start, pay, store, time } = createScene();
  const row = pay();
  const { of } = await start();
  await time.pass(5_000);
  assert.equal(store.rows.get(row.name)?.stage, 'created');
  assert.equal(of('onCreated').length, 1);
});

test('three replicas end each pod once, after its time and not before', async () => {
  const { start, pay, cluster, store, time } = createScene();
  const replicas = [await start('one'), await start('two'), await start('three')];
  const rows = Array.from({ length: 20 }, () => pay(60_000));
  for (const row of rows) await replicas[0]?.bring(row);
  await time.pass(59_000);
  assert.equal(cluster.pods.size, 20);
  await time.pass(32_000);
  assert.equal(cluster.pods.size, 0);
  const deleted = cluster.calls.flatMap(([call, name]) => (call === 'deletePod' ? [name] : []));
  assert.deepEqual(deleted.sort(), rows.map(({ name }) => name).sort());
  assert.equal(replicas.flatMap(({ of }) => of('onEnded')).length, 20);
  assert.ok(rows.every(({ name }) => store.rows.get(name)?.ending === 'expired'));
});

test('a replica that closes hands over at once; one that dies is followed when its Lease has run out', async () => {
  const { start, pay, cluster, time } = createScene();
  const first = await start('one');
  await start('two');
  await first.bring(pay(60_000));
  assert.equal(cluster.leaseHolder(), 'one');
  await first.life.close();
  assert.equal(cluster.leaseHolder(), undefined);
  await time.pass(100_000);
  assert.equal(cluster.leaseHolder(), 'two');
  assert.equal(cluster.pods.size, 0);
});

test('whoever cannot renew the Lease ends nothing any more', async () => {
  const { start, pay, cluster, time } = createScene();
  const { bring } = await start();
  await bring(pay(60_000));
  cluster.fail('holdLease', fault('unreachable'));
  await time.pass(200_000);
  assert.equal(cluster.count('deletePod'), 0);
  cluster.fail('holdLease', undefined);
  await time.pass(40_000);
  assert.equal(cluster.pods.size, 0);
});

test('a pod that could not be deleted is deleted later', async () => {
  const { start, pay, cluster, time } = createScene();
  const { bring, of } = await start();
  await bring(pay(60_000));
  cluster.fail('deletePod', fault('unreachable'));
  await time.pass(120_000);
  assert.equal(cluster.pods.size, 1);
  assert.equal(of('onFailed').length, 1);
  cluster.fail('deletePod', undefined);
  await time.pass(31_000);
  assert.equal(cluster.pods.size, 0);
});

test('a pod that goes before its time is made again under its name, for what is left', async () => {
  const { start, pay, cluster, store, time } = createScene();
  const { bring, of } = await start();
  const row = pay(600_000);
  await bring(row);
  await time.pass(100_000);
  cluster.remove(row.name);
  await time.pass(5_000);
  assert.equal(cluster.pods.size, 1);
  assert.equal(of('onLost').length, 1);
  assert.equal(of('onCreated').length, 2);
  const { expiresAtMs = 0 } = store.rows.get(row.name) ?? {};
  assert.ok(expiresAtMs >= row.expiresAtMs && expiresAtMs < row.expiresAtMs + 5_000);
});

test('a pod that has failed is made again, not more often than once a minute; one that is to run once stays', async () => {
  const { start, pay, cluster, store, time } = createScene();
  const { bring } = await start();
  const [row, once] = [pay(), pay()];
  store.rows.set(once.name, { ...once, template: 'once' });
  for (const each of [row, { ...once, template: 'once' }]) {
    await bring(each);
    cluster.change(each.name, { phase: 'Failed' });
  }
  await time.pass(59_000);
  assert.equal(cluster.count('createPod'), 2);
  await time.pass(40_000);
  assert.equal(cluster.count('createPod'), 3);
  assert.deepEqual([cluster.pods.get(row.name)?.phase, cluster.pods.get(once.name)?.phase], ['Pending', 'Failed']);
});

test('one that is lost and cannot be made again is credit again', async () => {
  const { start, pay, cluster, store, time } = createScene();
  const { bring } = await start();
  const row = pay();
  await bring(row);
  cluster.fail('createPod', fault('forbidden'));
  cluster.remove(row.name);
  await time.pass(650_000);
  assert.equal(store.rows.get(row.name)?.ending, 'given_back');
});

test('the same where it went while nothing was heard', async () => {
  const { start, pay, cluster, time } = createScene();
  const { bring } = await start();
  const row = pay();
  await bring(row);
  await time.pass(60_000);
  cluster.lose('the watch was cut');
  cluster.pods.delete(row.name);
  await time.pass(60_000);
  assert.equal(cluster.pods.size, 0);
  cluster.list();
  await time.pass(31_000);
  assert.equal(cluster.pods.size, 1);
});

test('a pod of ours that nobody paid for is reported, and goes when its own time is over; without one it stays', async () => {
  const { start, cluster, time } = createScene();
  const orphan = { phase: 'Running', isReady: true, isBeingDeleted: false } as const;
  cluster.add({ ...orphan, name: 'user-pod-a', uid: 'a', expiresAtMs: time.now() + 60_000 });
  cluster.add({ ...orphan, name: 'user-pod-b', uid: 'b' });
  const { of } = await start();
  await time.pass(31_000);
  assert.deepEqual(of('onOrphans').at(-1), ['onOrphans', ['user-pod-a', 'user-pod-b']]);
  await time.pass(60_000);
  assert.deepEqual([...cluster.pods.keys()], ['user-pod-b']);
  assert.deepEqual(of('onOrphanDeleted'), [['onOrphanDeleted', 'user-pod-a', 'expired']]);
});

test('a pod that an operator ends goes at once; ended in the ledger alone, soon', async () => {
  const { start, pay, cluster, store, time } = createScene();
  const { bring, life } = await start();
  const [first, second] = [pay(), pay()];
  await bring(first);
  await bring(second);
  assert.equal((await life.end(first.name))?.name, first.name);
  assert.equal(await life.end(first.name), undefined);
  assert.deepEqual([...cluster.pods.keys()], [second.name]);
  await store.end(second.name, 'deleted', time.now());
  await time.pass(31_000);
  assert.equal(cluster.pods.size, 0);
});

test('a clock that is set forward and back again ends nothing', async () => {
  const { start, pay, cluster, time } = createScene();
  const { bring, of } = await start();
  await bring(pay(3_600_000));
  await time.pass(25_000);
  time.jump(7_200_000);
  await time.pass(10_000);
  time.jump(-7_200_000);
  await time.pass(120_000);
  assert.equal(cluster.pods.size, 1);
  assert.deepEqual(
    of('onClockJumped').map(([, byMs]) => byMs),
    [7_200_000, -7_200_000],
  );
});

test('a clock that was wrong and is right now ends what is over, one look later', async () => {
  const { start, pay, cluster, time } = createScene();
  const { bring } = await start();
  await bring(pay(60_000));
  time.jump(3_600_000);
  await time.pass(29_000);
  assert.equal(cluster.pods.size, 1);
  await time.pass(61_000);
  assert.equal(cluster.pods.size, 0);
});

test('nothing is asked of the cluster while nothing happens, but for the Lease', async () => {
  const { start, pay, cluster, time } = createScene();
  const { bring } = await start();
  for (let made = 0; made < 10; made += 1) await bring(pay(86_400_000));
  await time.pass(5_000);
  const before = cluster.calls.length;
  await time.pass(600_000);
  assert.deepEqual(new Set(cluster.calls.slice(before).map(([call]) => call)), new Set(['holdLease']));
});
