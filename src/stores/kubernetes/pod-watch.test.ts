import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClusterFault } from '../../core/cluster-fault.ts';
import type { Watcher } from '../../pods/cluster.ts';
import type { Answer, Connection, Incoming } from './connection.ts';
import { watchPods } from './pod-watch.ts';

const pod = (name: string, version = '1') => ({ metadata: { name, uid: name, resourceVersion: version } });
const event = (type: string, object: unknown) => `${JSON.stringify({ type, object })}\n`;
const bookmark = (version: string) => event('BOOKMARK', { metadata: { resourceVersion: version } });

const page = (items: readonly object[], version: string, next?: string): Answer => ({
  status: 200,
  body: { metadata: { resourceVersion: version, ...(next !== undefined && { continue: next }) }, items },
});

/** How a watch goes: what is sent on it, and for how long it lasts. */
type Going =
  | Readonly<{ lines?: readonly string[]; lastsMs?: number; status?: number; retryAfterMs?: number }>
  | 'unreachable';

type Script = Readonly<{ lists: readonly (Answer | 'unreachable')[]; watches: readonly Going[] }>;

/** Plays the script to its end and tells what was asked, told and waited for. */
const play = async ({ lists, watches }: Script) => {
  const told: string[] = [];
  const asked: string[] = [];
  const pauses: number[] = [];
  let clockMs = 0;
  const [nextList, nextWatch] = [lists.values(), watches.values()];
  const ended = Promise.withResolvers<void>();

  /** The script is over: nothing comes any more, until it is closed. */
  const forever = (signal: AbortSignal) => {
    ended.resolve();
    return new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(new Error('closed')), { once: true });
    });
  };
  const unreachable = () => new ClusterFault('unreachable', 'nobody answers');

  async function* chunksOf({ lines = [], lastsMs = 0 }: Exclude<Going, string>) {
    for (const line of lines) yield Buffer.from(line);
    clockMs += lastsMs;
  }

  const connection: Connection = {
    async call(_, __, { query = {}, signal }) {
      asked.push(`list ${query['continue'] ?? ''}`.trim());
      const { value = await forever(signal) } = nextList.next();
      if (value === 'unreachable') throw unreachable();
      return value;
    },
    async open(_, { query = {}, signal }): Promise<Incoming> {
      asked.push(`watch ${query['resourceVersion']}`);
      const { value = await forever(signal) } = nextWatch.next();
      if (value === 'unreachable') throw unreachable();
      const { status = 200, retryAfterMs } = value;
      return { status, ...(retryAfterMs !== undefined && { retryAfterMs }), chunks: chunksOf(value) };
    },
    close: async () => undefined,
  };
  const watcher: Watcher = {
    onListed: (pods) => void told.push(`listed ${pods.map(({ name }) => name).join(' ')}`.trim()),
    onChanged: ({ name }) => void told.push(`changed ${name}`),
    onGone: ({ name }) => void told.push(`gone ${name}`),
    onLost: () => void told.push('lost'),
    onResumed: () => void told.push('resumed'),
  };
  const watching = watchPods(watcher, {
    connection,
    collection: '/pods',
    requestTimeoutMs: 60_000,
    monotonicNow: () => clockMs,
    pause: async (ms) => void pauses.push(ms),
  });
  await ended.promise;
  await watching.close();
  return { told, asked, pauses };
};

const good = { lastsMs: 5_000 };

test('pages of a list are one list', async () => {
  const { told, asked } = await play({
    lists: [page([pod('a'), pod('b')], '', 'more'), page([pod('c')], '7')],
    watches: [],
  });
  assert.deepEqual(told, ['listed a b c']);
  assert.deepEqual(asked, ['list', 'list more', 'watch 7']);
});

test('a list that is forgotten between its pages is begun again', async () => {
  const { told, asked } = await play({
    lists: [page([pod('a')], '', 'more'), { status: 410, body: {} }, page([pod('b')], '8')],
    watches: [],
  });
  assert.deepEqual(told, ['listed b']);
  assert.deepEqual(asked, ['list', 'list more', 'list', 'watch 8']);
});

test('a watch that the server ends goes on from the last version heard, bookmarks too, and is not lost', async () => {
  const changes = [event('ADDED', pod('a', '8')), event('DELETED', pod('a', '9'))];
  const { told, asked, pauses } = await play({
    lists: [page([], '7')],
    watches: [{ lines: changes, ...good }, { lines: [bookmark('12')], ...good }, good],
  });
  assert.deepEqual(told, ['listed', 'changed a', 'gone a']);
  assert.deepEqual(asked, ['list', 'watch 7', 'watch 9', 'watch 12', 'watch 12']);
  assert.deepEqual(pauses, []);
});

for (const [title, going] of [
  ['as its answer', { status: 410 }],
  ['on the watch', { lines: [event('ERROR', { code: 410, reason: 'Expired', message: 'too old' })], ...good }],
] as const) {
  test(`410 ${title} leads to a list, and nothing else`, async () => {
    const { told, asked } = await play({ lists: [page([], '7'), page([pod('a')], '20')], watches: [going] });
    assert.deepEqual(
      told.filter((one) => one !== 'lost'),
      ['listed', 'listed a'],
    );
    assert.deepEqual(asked, ['list', 'watch 7', 'list', 'watch 20']);
  });
}

test('one interruption is no loss; a further one is, once, and the pauses grow to five seconds', async () => {
  const { told, pauses } = await play({
    lists: [page([], '7')],
    watches: [good, 'unreachable', 'unreachable', 'unreachable', good],
  });
  assert.deepEqual(told, ['listed', 'lost', 'resumed']);
  assert.equal(pauses.length, 2);
  const long = await play({ lists: Array.from({ length: 30 }, () => 'unreachable' as const), watches: [] });
  assert.deepEqual(long.told, ['lost']);
  assert.ok(Math.max(...long.pauses) <= 5_000);
  assert.ok((long.pauses[0] ?? 0) < 500 && (long.pauses.at(-1) ?? 0) >= 2_500, long.pauses.join(', '));
});

test('what the API server asks to wait is waited', async () => {
  const { pauses } = await play({
    lists: [page([], '7')],
    watches: [
      { status: 429, retryAfterMs: 60_000 },
      { status: 429, retryAfterMs: 60_000 },
    ],
  });
  assert.deepEqual(pauses, [60_000]);
});

test('watches that end as soon as they have begun do not spin', async () => {
  const { told, pauses } = await play({ lists: [page([], '7')], watches: [{}, {}, {}, good] });
  assert.equal(pauses.length, 2);
  assert.deepEqual(told.filter((one) => one === 'lost').length, 2);
});

test('a refusal, or a version that the API server waits for in vain, leads to a list', async () => {
  const refused = await play({ lists: [page([], '7'), page([], '3')], watches: [good, { status: 400 }] });
  assert.deepEqual(refused.asked, ['list', 'watch 7', 'watch 7', 'list', 'watch 3']);
  const restored = await play({
    lists: [page([], '7'), page([], '3')],
    watches: [good, { status: 504 }, { status: 504 }, { status: 504 }, { status: 504 }],
  });
  assert.deepEqual(restored.asked.slice(-2), ['list', 'watch 3']);
});

test('a watch that is not allowed is lost, however often the list is', async () => {
  const { told } = await play({
    lists: [page([], '7'), page([], '7'), page([], '7')],
    watches: [{ status: 403 }, { status: 403 }],
  });
  assert.equal(told[1], 'listed');
  assert.equal(told.filter((one) => one === 'lost').length, 1);
});
