import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CredentialUnavailable, type Dressing } from '../credential.ts';
import type { TokenResponse } from './grant.ts';
import { createTokenCells } from './token-cell.ts';
import type { StoredToken, TokenShelf } from './token-shelf.ts';
import { createTokenSource } from './token-source.ts';

type Answer = TokenResponse | Error;

const given = (token: string, more: object = {}): TokenResponse => ({
  status: 200,
  retryAfter: undefined,
  body: JSON.stringify({ access_token: token, token_type: 'bearer', expires_in: 600, ...more }),
});
const failed = (status = 500, retryAfter?: string): TokenResponse => ({ status, retryAfter, body: 'canary' });

/** A provider that answers what it is told, a clock that is moved, and what was told of both. */
const scene = ({ refreshBeforeMs = 60_000, shelf = undefined as TokenShelf | undefined, rotates = false } = {}) => {
  let nowMs = 1_000_000;
  let answers: Answer[] = [];
  let release: (() => void) | undefined;
  let isHeld = false;
  const asked: (string | undefined)[] = [];
  const told: string[] = [];
  const waits: number[] = [];
  const { cell } = createTokenCells().hold('a');
  const source = createTokenSource({
    cell,
    shelf,
    refreshBeforeMs,
    now: () => nowMs,
    random: () => 0.5,
    pause: async (ms) => {
      waits.push(ms);
      nowMs += ms;
    },
    grant: {
      rotates,
      request(refreshToken) {
        asked.push(refreshToken);
        return { url: 'https://id.example/token', headers: {}, form: '' };
      },
    },
    ask: async () => {
      if (isHeld) await new Promise<void>((resolve) => (release = resolve));
      const answer = answers.shift() ?? given(`t${asked.length}`);
      if (answer instanceof Error) throw answer;
      return answer;
    },
    events: {
      onRefresh: (outcome) => told.push(outcome),
      onCacheHit: () => told.push('hit'),
    },
  });
  return {
    source,
    asked,
    told,
    waits,
    cell,
    move: (ms: number) => (nowMs += ms),
    now: () => nowMs,
    answer: (...next: Answer[]) => (answers = next),
    hold: () => (isHeld = true),
    letGo: () => {
      isHeld = false;
      release?.();
    },
    token: async () => (await source.dress()).headers[1]?.slice('Bearer '.length),
  };
};

/** Until what is under way in the background has ended. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

const isThere = (worn: unknown): worn is Dressing => !(worn instanceof Promise);

test('ten thousand calls at a cold token ask once, and all get it', async () => {
  const { source, asked, told } = scene();
  const worn = await Promise.all(Array.from({ length: 10_000 }, () => source.dress()));
  assert.equal(new Set(worn).size, 1);
  assert.equal(asked.length, 1);
  assert.deepEqual(told, ['ok']);
});

test('a cached token is at hand, without a promise and without anything made anew', async () => {
  const { source, told } = scene();
  const first = await source.dress();
  const again = source.dress();
  assert.ok(isThere(again));
  assert.equal(again, first);
  assert.deepEqual(told, ['ok', 'hit']);
});

test('a token is renewed ahead of its end, behind the calls that still get it', async () => {
  const { source, token, asked, move } = scene();
  await token();
  move(539_999);
  assert.equal(await token(), 't1');
  assert.equal(asked.length, 1);
  move(1);
  const worn = source.dress();
  assert.ok(isThere(worn) && worn.headers[1] === 'Bearer t1');
  await settle();
  assert.equal(await token(), 't2');
  assert.equal(asked.length, 2);
});

test('a margin longer than half the life of a token is half of it', async () => {
  const { token, asked, move } = scene({ refreshBeforeMs: 600_000 });
  await token();
  move(299_999);
  await token();
  assert.equal(asked.length, 1);
  move(1);
  await token();
  assert.equal(asked.length, 2);
});

test('a token that has run out is waited for', async () => {
  const { token, move } = scene();
  await token();
  move(600_000);
  assert.equal(await token(), 't2');
});

test('where renewal fails, a token that is still good goes on serving, and the provider is left in peace for a while', async () => {
  const { token, asked, move, answer, told } = scene();
  await token();
  answer(failed(), failed(), failed());
  move(540_000);
  for (let call = 0; call < 100; call++) {
    assert.equal(await token(), 't1');
    await settle();
  }
  assert.equal(asked.length, 2);
  move(1_000);
  await token();
  await settle();
  assert.equal(asked.length, 3);
  move(1_999);
  assert.equal(await token(), 't1');
  assert.equal(asked.length, 3);
  assert.equal(told.filter((outcome) => outcome === 'error').length, 2);
});

test('without a good token, calls are told when to come again, and the provider is asked with growing pauses', async () => {
  const { source, asked, move, answer } = scene();
  answer(...Array.from({ length: 20 }, () => failed()));
  const pauses: number[] = [];
  for (let round = 0; round < 8; round++) {
    const error = await Promise.resolve()
      .then(() => source.dress())
      .catch((thrown: unknown) => thrown);
    assert.ok(error instanceof CredentialUnavailable && error.retryAfterMs !== undefined);
    assert.doesNotMatch(error.message, /canary/);
    for (let call = 0; call < 10; call++) assert.throws(() => source.dress(), CredentialUnavailable);
    pauses.push(error.retryAfterMs);
    move(error.retryAfterMs);
  }
  assert.equal(asked.length, 8);
  assert.deepEqual(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
});

test('everybody who waits for a token that does not come is told so', async () => {
  const { source, asked, answer } = scene();
  answer(new Error('connect ECONNREFUSED'));
  const all = await Promise.allSettled(Array.from({ length: 100 }, () => source.dress()));
  assert.ok(all.every((one) => one.status === 'rejected' && one.reason instanceof CredentialUnavailable));
  assert.equal(asked.length, 1);
});

test('a provider that asks for a pause gets it', async () => {
  const { source, move, answer, asked } = scene();
  answer(failed(429, '20'));
  await assert.rejects(async () => source.dress(), { retryAfterMs: 20_000 });
  move(19_999);
  assert.throws(() => source.dress(), CredentialUnavailable);
  move(1);
  await source.dress();
  assert.equal(asked.length, 2);
});

test('a clock that goes back locks nobody out', async () => {
  const { token, move, answer } = scene();
  answer(failed());
  await assert.rejects(token());
  move(-3_600_000);
  assert.equal(await token(), 't2');
});

test('a token that the target refuses is asked for once more, however many calls it refused', async () => {
  const { source, asked } = scene();
  const used = await source.dress();
  const again = await Promise.all(
    Array.from({ length: 1_000 }, async () => {
      assert.equal(source.renew(used), true);
      return source.dress();
    }),
  );
  assert.deepEqual(new Set(again.map(({ headers }) => headers[1])), new Set(['Bearer t2']));
  assert.equal(asked.length, 2);
  assert.equal(source.renew(used), true);
  assert.equal((await source.dress()).headers[1], 'Bearer t2');
});

test('a target that refuses every token does not flood the provider', async () => {
  const { source, asked, move } = scene();
  assert.equal(source.renew(await source.dress()), true);
  for (let call = 0; call < 100; call++) assert.equal(source.renew(await source.dress()), false);
  assert.equal(asked.length, 2);
  move(10_000);
  assert.equal(source.renew(await source.dress()), true);
});

test('a token that the target refused serves on where no other can be had', async () => {
  const { source, answer, asked } = scene();
  const used = await source.dress();
  answer(failed());
  assert.equal(source.renew(used), true);
  assert.equal(await source.dress(), used);
  assert.equal(source.dress(), used);
  assert.equal(source.renew(used), false);
  assert.equal(asked.length, 2);
});

test('each new refresh token takes the place of the one before', async () => {
  const { token, asked, move, answer } = scene({ rotates: true });
  answer(given('a', { refresh_token: 'r1' }), given('b', { refresh_token: 'r2' }), failed(), given('c'), given('d'));
  for (const _round of [1, 2, 3, 4, 5]) {
    await token().catch(() => undefined);
    move(600_000);
  }
  assert.deepEqual(asked, [undefined, 'r1', 'r2', 'r2', 'r2']);
});

/** One place for several replicas, in memory; `away` makes it reject. */
const createShelf = () => {
  let stored: StoredToken | undefined;
  let holder: object | undefined;
  let isAway = false;
  const reach = async () => {
    if (isAway) throw new Error('away');
  };
  const shelf: TokenShelf = {
    async read() {
      await reach();
      return stored;
    },
    async write(token) {
      await reach();
      stored = token;
    },
    async lock() {
      await reach();
      if (holder) return undefined;
      const mine = {};
      holder = mine;
      return async () => {
        if (holder === mine) holder = undefined;
      };
    },
  };
  return {
    shelf,
    away: (is = true) => (isAway = is),
    die: () => (holder = {}),
    stored: () => stored,
    put: (token: StoredToken) => (stored = token),
  };
};

test('replicas at a cold token ask once together', async () => {
  const { shelf } = createShelf();
  const replicas = Array.from({ length: 5 }, () => scene({ shelf }));
  const worn = await Promise.all(replicas.map(({ token }) => token()));
  assert.deepEqual(new Set(worn), new Set(['t1']));
  assert.equal(
    replicas.reduce((sum, { asked }) => sum + asked.length, 0),
    1,
  );
});

test('a token that another replica left is taken, and counts as a hit', async () => {
  const { shelf, put } = createShelf();
  const { token, asked, told, now } = scene({ shelf });
  put({ accessToken: 'theirs', obtainedAtMs: now(), expiresAtMs: now() + 1_000, refreshToken: undefined });
  assert.equal(await token(), 'theirs');
  assert.equal(asked.length, 0);
  assert.deepEqual(told, ['hit']);
});

test('a token that has run out, or that the target refused, is not taken from another replica', async () => {
  const { shelf, put } = createShelf();
  const { source, token, asked, now } = scene({ shelf });
  put({ accessToken: 'old', obtainedAtMs: now() - 600_000, expiresAtMs: now(), refreshToken: undefined });
  assert.equal(await token(), 't1');
  assert.equal(source.renew(await source.dress()), true);
  assert.equal(await token(), 't2');
  assert.equal(asked.length, 2);
});

test('a replica that died while it asked holds nobody up for long', async () => {
  const { shelf, die } = createShelf();
  die();
  const { token, waits } = scene({ shelf });
  assert.equal(await token(), 't1');
  const waitedMs = waits.reduce((sum, ms) => sum + ms, 0);
  assert.ok(waitedMs >= 15_000 && waitedMs <= 16_000, String(waitedMs));
});

test('where the store is away each replica asks for itself, and leaves its token when the store is back', async () => {
  const { shelf, away, stored } = createShelf();
  const { token, move } = scene({ shelf });
  away();
  assert.equal(await token(), 't1');
  away(false);
  move(600_000);
  assert.equal(await token(), 't2');
  assert.equal(stored()?.accessToken, 't2');
});

test('the latest refresh token of any replica is the one that is used', async () => {
  const { shelf } = createShelf();
  const [one, other] = [scene({ shelf, rotates: true }), scene({ shelf, rotates: true })];
  one.answer(given('a', { refresh_token: 'r1' }));
  await one.token();
  other.move(600_000);
  other.answer(given('b', { refresh_token: 'r2' }));
  await other.token();
  one.move(1_200_000);
  await one.token();
  assert.deepEqual([...one.asked, ...other.asked], [undefined, 'r2', 'r1']);
});

test('a refresh token that came while the store was away is left there as soon as it is back', async () => {
  const { shelf, away, stored } = createShelf();
  const { token, answer } = scene({ shelf, rotates: true });
  answer(given('a', { refresh_token: 'r1' }));
  away();
  await token();
  assert.equal(stored(), undefined);
  away(false);
  await settle();
  assert.deepEqual([stored()?.accessToken, stored()?.refreshToken], ['a', 'r1']);
});

test('a refresh token that came while the store was away takes the place of no later one', async () => {
  const { shelf, away, stored, put } = createShelf();
  const { token, answer, now } = scene({ shelf, rotates: true });
  answer(given('a', { refresh_token: 'r1' }));
  away();
  await token();
  put({ accessToken: 'b', obtainedAtMs: now() + 1, expiresAtMs: now() + 1_000, refreshToken: 'r2' });
  away(false);
  await settle();
  assert.equal(stored()?.refreshToken, 'r2');
});
