import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReloadRefused } from './refused.ts';
import { type Candidate, createReloads, type ReloadEvent } from './reloads.ts';
import type { ReplicaEvents, Replicas } from './replicas.ts';
import type { ReloadCause } from './status.ts';

type Script = Partial<Candidate> | Error;

const play = (replicasRest: Partial<Replicas> = {}) => {
  let nowMs = 1_000_000;
  const scripts: Script[] = [];
  const reads: ReloadCause[] = [];
  const told: string[] = [];
  const events: ReloadEvent[] = [];
  const waits: PromiseWithResolvers<void>[] = [];
  let heard: ReplicaEvents | undefined;
  const reloads = createReloads({
    digest: 'first',
    async read(cause) {
      reads.push(cause);
      await waits.shift()?.promise;
      const script = scripts.shift() ?? {};
      if (script instanceof Error) throw script;
      return {
        digest: 'second',
        changed: ['rules[0].match.path'],
        needRestart: [],
        async prepare() {
          told.push('prepare');
          return {
            commit: (generation) => void told.push(`commit ${generation}`),
            discard: async () => void told.push('discard'),
          };
        },
        accepted: () => void told.push('accepted'),
        explain: ({ path, message }) => `${path?.join('.') ?? ''} ${message}`,
        ...script,
      };
    },
    replicas: {
      id: 'a',
      start: (_, listening) => {
        heard = listening;
      },
      announce: async (own) => own + 1,
      tell: () => undefined,
      list: async () => ({ replicas: [], problem: undefined }),
      close: async () => undefined,
      ...replicasRest,
    },
    now: () => nowMs,
    onReload: (event) => events.push(event),
    onStatus: () => undefined,
  });
  reloads.start();
  const settled = async () => {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  };
  return {
    reloads,
    scripts,
    reads,
    told,
    events,
    waits,
    settled,
    news: (generation: number, digest: string) => heard?.onNews(generation, digest),
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
};

test('what was read is built, numbered and taken into use, in this order', async () => {
  const { reloads, told } = play();
  const { outcome, generation, changed } = await reloads.reload('request');
  assert.deepEqual([outcome, generation, changed], ['changed', 2, ['rules[0].match.path']]);
  assert.deepEqual(told, ['prepare', 'commit 2', 'accepted']);
});

test('many who ask while one is under way are answered by one that begins afterwards', async () => {
  const { reloads, reads, waits } = play();
  const first = Promise.withResolvers<void>();
  waits.push(first);
  const begun = reloads.reload('request');
  await Promise.resolve();
  const all = Array.from({ length: 100 }, () => reloads.reload('request'));
  first.resolve();
  assert.equal((await begun).generation, 2);
  assert.deepEqual(new Set((await Promise.all(all)).map(({ generation }) => generation)), new Set([3]));
  assert.equal(reads.length, 2);
});

// biome-ignore format: a table is read by its columns
const refusals: readonly (readonly [what: string, script: Script, problem: string])[] = [
  ['a file that cannot be read',       new ReloadRefused([{ message: 'a.yaml:1:1 x: unknown key' }]),                          'a.yaml:1:1 x: unknown key'],
  ['a key that needs a restart',       { needRestart: [{ path: ['workers'], message: 'differs' }] },                           'workers differs'],
  ['what cannot be built',             { prepare: () => Promise.reject(new ReloadRefused([{ path: ['jwt'], message: 'm' }])) }, 'jwt m'],
  ['a fault that nobody thought of',   { prepare: () => Promise.reject(new TypeError('x is not a function')) },                ' x is not a function'],
];

for (const [what, script, problem] of refusals) {
  test(`${what} changes nothing, and is told until the next that is good`, async () => {
    const { reloads, scripts, told } = play();
    scripts.push(script);
    const result = await reloads.reload('request');
    assert.deepEqual([result.outcome, result.generation, result.problems], ['refused', 1, [problem]]);
    assert.deepEqual(told, []);
    assert.deepEqual(reloads.own().lastError?.problems, [problem]);
    await reloads.reload('request');
    assert.equal(reloads.own().lastError, undefined);
    assert.deepEqual(reloads.own().counts, { changed: 1, unchanged: 0, refused: 1 });
  });
}

test('what was built is given up where it cannot be numbered', async () => {
  const { reloads, told } = play({ announce: () => Promise.reject(new Error('no number')) });
  assert.equal((await reloads.reload('request')).outcome, 'refused');
  assert.deepEqual(told, ['prepare', 'discard']);
});

test('a follower takes the number of the others once it has their file, and is behind until then', async () => {
  const { reloads, scripts, news, pass, settled } = play();
  scripts.push({ digest: 'first', changed: [] });
  news(7, 'second');
  await settled();
  assert.deepEqual([reloads.own().generation, reloads.own().behind], [1, 7]);
  pass(2_000);
  news(7, 'second');
  await settled();
  assert.deepEqual([reloads.own().generation, reloads.own().behind], [7, undefined]);
});

test('a file that never comes is waited for no longer than three minutes', async () => {
  const { reloads, scripts, news, pass, settled } = play();
  scripts.push({ digest: 'first', changed: [] }, { digest: 'first', changed: [] });
  news(7, 'second');
  await settled();
  pass(180_000);
  news(7, 'second');
  await settled();
  assert.deepEqual([reloads.own().generation, reloads.own().digest], [7, 'first']);
});

test('a follower that cannot load its file tries less and less often, and says so once', async () => {
  const { reads, scripts, news, pass, settled, events } = play();
  for (let round = 0; round < 600; round++) {
    scripts[0] ??= new ReloadRefused([{ message: 'broken' }]);
    news(7, 'second');
    await settled();
    pass(1_000);
  }
  assert.ok(reads.length > 8 && reads.length < 20, String(reads.length));
  assert.equal(events.length, 1);
});

test('new secrets are taken into use without a new number, and those that did not change are not told of', async () => {
  const { reloads, scripts, events, pass } = play();
  scripts.push({ changed: [] });
  pass(5_000);
  await reloads.reload('secrets');
  assert.deepEqual([events.length, reloads.own().secretsReadAtMs], [0, 1_005_000]);
  await reloads.reload('secrets');
  assert.deepEqual([events.length, reloads.own().generation, reloads.own().loadedAtMs], [1, 1, 1_000_000]);
});

test('secrets that cannot be read are told until they can, and are no error of a reload', async () => {
  const { reloads, scripts } = play();
  scripts.push(new ReloadRefused([{ message: 'Vault is sealed' }]), { changed: [] });
  await reloads.reload('secrets');
  assert.deepEqual([reloads.own().secretsProblem, reloads.own().lastError], ['Vault is sealed', undefined]);
  await reloads.reload('secrets');
  assert.equal(reloads.own().secretsProblem, undefined);
});

test('nothing is reloaded by a service that stops', async () => {
  const { reloads, told } = play();
  await reloads.close();
  assert.equal((await reloads.reload('request')).outcome, 'refused');
  assert.deepEqual(told, []);
});
