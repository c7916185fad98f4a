import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import type { SeenPod, Watcher } from '../../src/pods/cluster.ts';
import { type ClusterOptions, openCluster } from '../../src/stores/kubernetes/cluster.ts';
import { startKubeApiserver } from '../servers/kube-apiserver.ts';
import { startKubeRelay } from '../servers/kube-relay.ts';
import { needs } from '../servers/programs.ts';
import { until } from '../servers/until.ts';
import { namespace, podOf, podsPath, prepareNamespace, setReady } from './namespace.ts';

const options = needs('kube-apiserver', 'etcd');

const start = async () => {
  const kube = await startKubeApiserver({ owner: { after } });
  await prepareNamespace(kube);
  const relay = await startKubeRelay(kube, { after });
  return { kube, relay, kubeconfig: kube.kubeconfig('sallyport', { server: relay.url }) };
};

const place = options.skip === false ? await start() : undefined;
const at = () => place ?? assert.fail('unreachable: skipped where it is not there');

const createPod = async (name: string, manifest = podOf({ name, expires: '2030-01-01T00:00:00Z' })) => {
  const { status, text } = await at().kube.ask('POST', podsPath, { body: manifest });
  assert.equal(status, 201, text);
};
const deletePod = (name: string) => at().kube.ask('DELETE', `${podsPath}/${name}`);

/** What a watcher was told, in words, and what is there by it. */
const record = () => {
  const told: string[] = [];
  const pods = new Map<string, SeenPod>();
  const watcher: Watcher = {
    onListed(listed) {
      told.push('listed');
      pods.clear();
      for (const pod of listed) pods.set(pod.name, pod);
    },
    onChanged(pod) {
      told.push(`changed ${pod.name}`);
      pods.set(pod.name, pod);
    },
    onGone(pod) {
      told.push(`gone ${pod.name}`);
      pods.delete(pod.name);
    },
    onLost: () => void told.push('lost'),
    onResumed: () => void told.push('resumed'),
  };
  return { told, pods, watcher };
};

const watching = async (t: TestContext, more: Partial<ClusterOptions> = {}) => {
  const { relay, kubeconfig } = at();
  relay.fail(() => undefined);
  const cluster = await openCluster({ kubeconfig, namespace, requestTimeoutMs: 2_000, ...more });
  t.after(() => cluster.close());
  const recorded = record();
  relay.forget();
  cluster.watch(recorded.watcher);
  await until('it is listed', () => recorded.told.includes('listed'));
  await until('it is watched', () => relay.asked().some(({ isWatch }) => isWatch));
  recorded.told.length = 0;
  return { ...recorded, asked: () => relay.asked().map(({ isWatch }) => (isWatch ? 'watch' : 'list')) };
};

const untilTold = (told: readonly string[], what: string) => until(`told: ${what}`, () => told.includes(what));

test(
  'what is there is listed, each change is told with the little that is needed, and nobody asks again',
  options,
  async (t) => {
    await createPod('before');
    const { told, pods, asked } = await watching(t);
    assert.deepEqual([...pods.keys()], ['before']);
    await createPod('theirs', podOf({ name: 'theirs', labels: { app: 'theirs' } }));
    await createPod('during');
    await untilTold(told, 'changed during');
    const { uid, ...seen } = pods.get('during') ?? assert.fail('It is not there');
    assert.match(uid, /^[0-9a-f-]{36}$/);
    assert.deepEqual(seen, {
      name: 'during',
      phase: 'Pending',
      isReady: false,
      isBeingDeleted: false,
      paymentId: 'c0ffee',
      expiresAtMs: Date.parse('2030-01-01T00:00:00Z'),
    });
    await setReady(at().kube, 'during', '10.9.8.7');
    await until('it is ready', () => pods.get('during')?.isReady === true);
    assert.deepEqual([pods.get('during')?.phase, pods.get('during')?.ip], ['Running', '10.9.8.7']);
    await deletePod('before');
    await untilTold(told, 'gone before');
    assert.ok(!told.some((one) => /theirs|lost|listed/.test(one)), told.join(', '));
    assert.deepEqual(asked(), ['list', 'watch']);
  },
);

test('a watch that is cut goes on where it was: nothing is missed, listed or called lost', options, async (t) => {
  const { told, asked } = await watching(t);
  await createPod('cut-1');
  await untilTold(told, 'changed cut-1');
  at().relay.cut();
  await createPod('cut-2');
  await deletePod('cut-1');
  await untilTold(told, 'changed cut-2');
  await untilTold(told, 'gone cut-1');
  assert.equal(asked().filter((one) => one === 'list').length, 1);
});

test(
  'while the API server cannot be watched it is lost, once, and afterwards resumed with what happened',
  options,
  async (t) => {
    for (const fault of ['cut', { status: 500 }, { status: 429, retryAfterSeconds: 0 }] as const) {
      const { told, asked } = await watching(t);
      const name = `away-${typeof fault === 'string' ? fault : fault.status}`;
      at().relay.fail(() => fault);
      at().relay.cut();
      await untilTold(told, 'lost');
      await createPod(name);
      at().relay.fail(() => undefined);
      await untilTold(told, `changed ${name}`);
      assert.deepEqual(
        told.filter((one) => !one.includes(' ')),
        ['lost', 'resumed'],
      );
      assert.equal(asked().filter((one) => one === 'list').length, 1);
    }
  },
);

test('a connection that hangs is found by its silence', options, async (t) => {
  const { told } = await watching(t, { watchSilenceMs: 300 });
  at().relay.freeze();
  await createPod('frozen');
  await untilTold(told, 'changed frozen');
});

test(
  'where the API server has forgotten what came after our version, everything is listed anew',
  options,
  async (t) => {
    const { kube, relay } = at();
    const { told, pods, asked } = await watching(t, { requestTimeoutMs: 60_000 });
    await createPod('forgotten');
    await untilTold(told, 'changed forgotten');
    relay.fail(() => 'hang');
    relay.forget();
    relay.cut();
    await until('it wants to go on', () => asked().length > 0);
    await deletePod('forgotten');
    await createPod('remembered');
    await kube.crash();
    await kube.compact();
    await kube.start();
    relay.forget();
    relay.fail(() => undefined);
    relay.cut();
    await until('everything is listed', () => !pods.has('forgotten') && pods.has('remembered'));
    await createPod('and-on');
    await untilTold(told, 'changed and-on');
    assert.deepEqual(asked(), ['watch', 'list', 'watch']);
    assert.deepEqual(told, ['changed forgotten', 'lost', 'listed', 'changed and-on']);
  },
);

test('a watch that is closed tells nothing more', options, async () => {
  const { kubeconfig, relay } = at();
  const cluster = await openCluster({ kubeconfig, namespace, requestTimeoutMs: 2_000 });
  const { told, watcher } = record();
  const watch = cluster.watch(watcher);
  await untilTold(told, 'listed');
  await watch.close();
  told.length = 0;
  relay.forget();
  await createPod('unheard');
  await cluster.close();
  assert.deepEqual(told, []);
  assert.deepEqual(relay.asked(), []);
});
