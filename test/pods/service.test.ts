/** The service as a process, paid over HTTP with money of a genuine mint, with a real Kubernetes API server. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { ask, codeOf, tally, times } from '../payments/ask.ts';
import { adminToken, runSallyport } from '../sallyport.ts';
import { startKubeApiserver } from '../servers/kube-apiserver.ts';
import { needs } from '../servers/programs.ts';
import { type Answered, request } from '../servers/request.ts';
import { enterNamespace, eventually } from './scene.ts';

const { skip } = needs('kube-apiserver', 'etcd');
const api = skip ? undefined : await startKubeApiserver({ owner: { after } });
const enter = (owner: Parameters<typeof enterNamespace>[1], options?: Parameters<typeof enterNamespace>[2]) =>
  enterNamespace(api ?? assert.fail('skipped'), owner, options);

const podOf = ({ headers }: Readonly<{ headers: Readonly<Record<string, unknown>> }>): unknown =>
  headers['x-provisioned-pod'];

test('whoever pays gets 200 with X-Provisioned-Pod, and the pod runs what the operator chose', { skip }, async (t) => {
  const scene = await enter(t, { pods: 'tell: [service, expires], service: true' });
  const gate = await scene.start();
  const before = Date.now();
  const answer = await ask(gate.url, await scene.payer.token(8));
  assert.equal(answer.status, 200, answer.body);
  const [pod, ...others] = await scene.pods();
  assert.ok(pod);
  assert.deepEqual(others, []);
  const { name, labels, annotations } = pod.metadata;
  assert.match(name, /^user-pod-[0-9a-f]{12}$/);
  assert.equal(podOf(answer), name);
  assert.equal(answer.headers['x-payment-verified'], 'true');
  assert.equal(answer.headers['x-pod-service'], `${name}.${scene.namespace}.svc`);
  const endsInMs = Date.parse(String(answer.headers['x-pod-expires'])) - before;
  assert.ok(endsInMs >= 3_600_000 && endsInMs < 3_630_000, String(endsInMs));
  assert.equal(labels['app'], 'paygress-provisioned');
  assert.equal(labels['payment-verified'], 'true');
  assert.equal(annotations['sallyport.dev/amount'], '8 sat');
  assert.equal(pod.spec['automountServiceAccountToken'], false);
  const service = await scene.api.ask('GET', `/api/v1/namespaces/${scene.namespace}/services/${name}`);
  assert.equal(service.status, 200);
});

test('one round trip for the first paid request, and none for those after it', { skip }, async (t) => {
  const scene = await enter(t);
  const gate = await scene.serve();
  const token = await scene.payer.token(8);
  const first = await ask(gate.url, token);
  assert.equal(first.status, 200, first.body);
  assert.equal(scene.seen('create'), 1);
  const session = String(first.headers['x-payment-session']);
  const calls = scene.seen('pods');
  for (const answer of await Promise.all(times(20, () => ask(gate.url, token)))) {
    assert.deepEqual([answer.status, podOf(answer)], [200, podOf(first)]);
  }
  const bySession = await ask(gate.url, session, { header: 'X-Payment-Session' });
  assert.deepEqual([bySession.status, podOf(bySession)], [200, podOf(first)]);
  // The dry run that asks whether a further one would have room is nobody's to wait for.
  assert.ok(scene.seen('pods') <= calls + 1);
  assert.equal(scene.seen('create'), 1);
});

test('fifty requests that race with one token, through two replicas: one pod, which all are told of', {
  skip,
}, async (t) => {
  const scene = await enter(t);
  const gate = await scene.serve();
  const other = await scene.serve({ directory: gate.directory });
  const token = await scene.payer.token(8);
  const answers = times(50, (index) => ask(index % 2 ? gate.url : other.url, token));
  assert.deepEqual(await tally(answers), { 200: 50 });
  const [pod, ...others] = await scene.pods();
  assert.deepEqual(others, []);
  assert.deepEqual(new Set((await Promise.all(answers)).map(podOf)), new Set([pod?.metadata.name]));
  assert.equal(scene.mint.spentAmount(), 8);
});

test('a further token in the same session makes the life of the pod longer, and no other pod', { skip }, async (t) => {
  const scene = await enter(t, { pods: 'tell: [expires], max_lifetime: 2h' });
  const gate = await scene.serve();
  const first = await ask(gate.url, await scene.payer.token(8));
  const session = String(first.headers['x-payment-session']);
  const pay = async () =>
    request(gate.url, '/auth/native/premium/1', {
      headers: {
        Host: 'shop.example.com',
        'X-Forwarded-For': '203.0.113.7',
        'X-Cashu': await scene.payer.token(8),
        'X-Payment-Session': session,
      },
    });
  const second = await pay();
  assert.equal(second.status, 200, second.body);
  assert.equal(podOf(second), podOf(first));
  const end = ({ headers }: Answered) => Date.parse(String(headers['x-pod-expires']));
  assert.equal(end(second) - end(first), 3_600_000);
  // A third hour is more than any pod has: its token is not touched.
  const third = await pay();
  assert.equal(codeOf(third), 'pod_lifetime_reached');
  assert.equal(scene.mint.spentAmount(), 16);
  assert.equal((await scene.pods()).length, 1);
});

test('a key passes without paying, and gets no pod', { skip }, async (t) => {
  const scene = await enter(t);
  const gate = await scene.serve();
  const made = await fetch(`${gate.adminUrl}/api/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ user_id: 'ann', name: 'laptop' }),
  });
  const key = /"key":"([^"]+)"/.exec(await made.text())?.[1] ?? assert.fail();
  const answer = await ask(gate.url, key, { header: 'X-API-Key' });
  assert.deepEqual([answer.status, podOf(answer)], [200, '']);
  assert.deepEqual(await scene.pods(), []);
});

test('wait: ready: its payer is answered when it is, with its address', { skip }, async (t) => {
  const scene = await enter(t, { pods: 'wait: ready, tell: [ip]' });
  const gate = await scene.serve();
  const answer = ask(gate.url, await scene.payer.token(8));
  await eventually('it is created', async () => (await scene.pods()).length === 1);
  const [pod] = await scene.pods();
  await scene.setReady(pod?.metadata.name ?? '', '10.9.8.7');
  const { status, headers } = await answer;
  assert.deepEqual([status, headers['x-pod-ip']], [200, '10.9.8.7']);
});

test('a quota of the cluster that is full: refused before the token is touched', { skip }, async (t) => {
  const scene = await enter(t, { pods: 'max_per_payer: 5' });
  const quota = `/api/v1/namespaces/${scene.namespace}/resourcequotas`;
  const metadata = { name: 'pods', namespace: scene.namespace };
  await scene.api.apply([{ apiVersion: 'v1', kind: 'ResourceQuota', metadata, spec: { hard: { pods: '1' } } }]);
  const setUsed = (used: string) =>
    scene.api.ask('PATCH', `${quota}/pods/status`, {
      contentType: 'application/merge-patch+json',
      body: { status: { hard: { pods: '1' }, used: { pods: used } } },
    });
  await setUsed('0');
  const gate = await scene.serve();
  const first = await ask(gate.url, await scene.payer.token(8));
  assert.equal(first.status, 200, first.body);
  await eventually('it is known to be full', async () => (await gate.readiness()) === 'degraded');
  const token = await scene.payer.token(8);
  const refused = await ask(gate.url, token);
  assert.equal(codeOf(refused), 'pods_full');
  assert.ok(Number(refused.headers['retry-after']) > 0);
  assert.equal(scene.mint.spentAmount(), 8);
  // The pod of before is still its payer's.
  await setUsed('0');
  const name = String(podOf(first));
  const deleted = await fetch(`${gate.adminUrl}/api/pods/${name}`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${adminToken}` },
  });
  assert.equal(deleted.status, 200);
  await eventually('there is room again', async () => (await ask(gate.url, token)).status === 200);
  assert.equal(scene.mint.spentAmount(), 16);
});

test('three replicas: each pod goes once, when its time is over', { skip }, async (t) => {
  const scene = await enter(t, { price: '{ amount: 8, buys: { time: 2s } }', pods: 'reap_interval: 1s' });
  const gate = await scene.serve();
  const others = await Promise.all(times(2, () => scene.serve({ directory: gate.directory })));
  const tokens = await Promise.all(times(6, () => scene.payer.token(8)));
  const gates = [gate, ...others];
  const answers = await Promise.all(tokens.map((token, index) => ask(gates[index % 3]?.url ?? '', token)));
  assert.deepEqual(
    answers.map(({ status }) => status),
    times(6, () => 200),
  );
  await eventually('they are gone', async () => (await scene.pods()).length === 0);
  assert.equal(scene.seen('delete'), 6);
  const reaped = await Promise.all(
    gates.map(async ({ metrics }) => /^sallyport_pods_reaped_total (\d+)$/m.exec(await metrics())?.[1]),
  );
  assert.equal(
    reaped.reduce((sum, count) => sum + Number(count), 0),
    6,
  );
});

test('a clock that is set back ends no pod; one that is set ahead for good ends what is over by it, once', {
  skip,
}, async (t) => {
  const scene = await enter(t, { pods: 'reap_interval: 1s' });
  let aheadMs = 0;
  const gate = await scene.serve({ now: () => Date.now() + aheadMs });
  const token = await scene.payer.token(8);
  const name = podOf(await ask(gate.url, token));
  aheadMs = -7_200_000;
  assert.equal(podOf(await ask(gate.url, token)), name);
  assert.equal((await scene.pods()).length, 1);
  aheadMs = 7_200_000;
  await eventually('it is gone', async () => (await scene.pods()).length === 0);
  assert.equal(scene.seen('delete'), 1);
  assert.equal((await ask(gate.url, token)).status, 402);
});

test('two workers of one service: one pod for racing requests, counted and ended once', { skip }, async (t) => {
  const pods = 'reap_interval: 1s, max_per_payer: 3';
  const scene = await enter(t, { price: '{ amount: 8, buys: { time: 5s } }', pods, workers: 2 });
  const gate = await scene.start();
  const ready = () => gate.log().filter(({ event }) => event === 'pods_available').length === 2;
  await eventually('both workers can start pods', ready);
  const token = await scene.payer.token(8);
  assert.deepEqual(await tally(times(30, () => ask(gate.url, token))), { 200: 30 });
  assert.equal((await scene.pods()).length, 1);
  const metrics = async () => (await fetch(`${gate.url}/metrics`)).text();
  await eventually('both see it', async () => /^sallyport_pods_alive 1$/m.test(await metrics()));
  assert.match(await metrics(), /^sallyport_pods_provisions_total\{result="created",template="default"\} 1$/m);
  await eventually('it is gone', async () => (await scene.pods()).length === 0);
  assert.match(await metrics(), /^sallyport_pods_reaped_total 1$/m);
});

test('a replica that is asked to stop hands the Lease over at once', { skip }, async (t) => {
  const scene = await enter(t, { pods: 'reap_interval: 5s' });
  const lease = `/apis/coordination.k8s.io/v1/namespaces/${scene.namespace}/leases/sallyport-pods`;
  const holder = async () => Object(Object((await scene.api.ask('GET', lease)).body)['spec'])['holderIdentity'];
  const first = await scene.serve();
  await eventually('the first leads', async () => Boolean(await holder()));
  const leader = await holder();
  await scene.serve({ directory: first.directory });
  await first.stop();
  assert.notEqual(await holder(), leader);
  await eventually('the second leads', async () => Boolean(await holder()));
});

test('an operator lists, shows and ends pods by the command line, while the service runs', { skip }, async (t) => {
  const scene = await enter(t, { pods: 'reap_interval: 1s' });
  const gate = await scene.serve();
  const name = String(podOf(await ask(gate.url, await scene.payer.token(8))));
  const cli = (...args: readonly string[]) =>
    runSallyport(['pods', ...args, '--config', 'sallyport.yaml'], {
      cwd: gate.directory,
      env: { ENABLE_POD_PROVISIONING: 'true', POD_NAMESPACE: scene.namespace },
    });
  const listed = cli('list', '--json');
  assert.equal(listed.status, 0, listed.stderr);
  assert.deepEqual(
    JSON.parse(listed.stdout).pods.map((pod: { name: string; state: string }) => [pod.name, pod.state]),
    [[name, 'created']],
  );
  assert.match(cli('show', name).stdout, /state +created/);
  assert.equal(cli('delete', name).status, 0);
  await eventually('it is gone', async () => (await scene.pods()).length === 0);
  assert.equal(JSON.parse(cli('list', '--json', '--all').stdout).pods[0].state, 'deleted');
});

test('a pod with our labels that nobody paid for is counted, and goes past the time that it says itself', {
  skip,
}, async (t) => {
  const scene = await enter(t, { pods: 'reap_interval: 1s' });
  const gate = await scene.serve();
  await ask(gate.url, await scene.payer.token(8));
  const [{ metadata, spec } = assert.fail()] = await scene.pods();
  const expires = new Date(Date.now() + 3_000).toISOString();
  await scene.api.apply([
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: 'user-pod-orphan',
        namespace: scene.namespace,
        labels: metadata.labels,
        annotations: { 'sallyport.dev/payment': 'pay_none', 'sallyport.dev/expires': expires },
      },
      spec,
    },
  ]);
  const { metrics } = gate;
  await eventually('it is counted', async () => /^sallyport_pods_orphans 1$/m.test(await metrics()));
  await eventually('it is gone', async () => (await scene.pods()).length === 1);
  assert.match(await metrics(), /^sallyport_pods_alive 1$/m);
  await eventually('none is counted', async () => /^sallyport_pods_orphans 0$/m.test(await metrics()));
});
