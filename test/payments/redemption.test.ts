/**
 * Every way in which a mint can fail a redemption: what the caller gets, what they get for the same token when the fault is
 * over, and that the credit is what the mint took, to the sat.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { KeysetOptions } from '../../examples/play-mint/keyset.ts';
import { createPayer } from '../../examples/play-mint/payer.ts';
import {
  answering,
  badJson,
  cutShort,
  droppedAfter,
  droppedBefore,
  type Fault,
  failingAfter,
  hugeBody,
  rateLimited,
  redirected,
} from '../peers/faults.ts';
import { type FaultyMint, startMint } from '../peers/mint.ts';
import { codeless, refusing, rotating, tooFewSignatures, withoutDleq, wrongSignatures } from '../peers/mint-faults.ts';
import { activeKeyset, blank, wire } from '../peers/purse.ts';
import { until } from '../servers/until.ts';
import { openTill, type Till } from './till.ts';

type Scene = Readonly<{ mint: FaultyMint; till: Till; token: string }>;

const AMOUNT = 13;

const enter = async (t: TestContext, amount = AMOUNT, keyset: KeysetOptions = {}): Promise<Scene> => {
  const mint = await startMint({ owner: t, keysets: [keyset] });
  const till = await openTill(t, { mints: [mint.url], timeoutMs: 1_000 });
  const token = await createPayer(mint.url).token(amount);
  return { mint, till, token };
};

const REST_MS = 40_000;
const NO_LONGER_UNDER_WAY_MS = 130_000;

/** An amount in coins of 1, 2, 4, … */
const coins = (amount: number): number[] =>
  [...amount.toString(2)].reverse().flatMap((digit, power) => (digit === '1' ? [2 ** power] : []));

/** Our money is real: the mint takes it back. */
const spendAll = ({ mint, till }: Scene): void => {
  const keysetOf = (id: string) => mint.mint.keysets().find(({ keyset }) => keyset.id === id)?.keyset.publicKeys ?? {};
  const earned = till.earned(keysetOf);
  const sum = earned.reduce((total, { amount }) => total + amount.toNumber(), 0);
  assert.equal(sum, till.credited());
  if (sum > 0) mint.mint.swap(earned.map(wire), blank(activeKeyset(mint.mint), coins(sum)).outputs);
};

const balance = ({ mint, till }: Scene): void => {
  assert.equal(till.credited(), mint.spentAmount());
  spendAll({ mint, till, token: '' });
};

const settles = async (scene: Scene, answer = 'paid'): Promise<void> => {
  const { till, token, mint } = scene;
  assert.equal(await till.ask(token), answer, till.reasons.join('; '));
  assert.equal(mint.spentAmount(), answer === 'paid' ? AMOUNT : 0);
  balance(scene);
};

const bodiesOf = ({ mint }: Scene): Set<string> =>
  new Set(mint.faults.requests('/v1/swap').map(({ body }) => body.toString()));

type Row = readonly [title: string, fault: Fault, now: string, moved: boolean];

const lost = answering(200, '{"outputs":[],"signatures":[]}');

// biome-ignore format: a table is read by its columns
const unclearSwaps: readonly Row[] = [
  ['dropped before it acts', droppedBefore, 'payment_uncertain', false],
  ['dropped after it has acted', droppedAfter, 'paid', true],
  ['cut in the middle of its answer', cutShort, 'paid', true],
  ['429', rateLimited(3), 'payment_uncertain', false],
  ['500 and nothing done', answering(500), 'payment_uncertain', false],
  ['500 after it has acted', failingAfter(500), 'paid', true],
  ['502 after it has acted', failingAfter(502), 'paid', true],
  ['400 after it has acted', failingAfter(400), 'paid', true],
  ['JSON that breaks off', badJson, 'paid', true],
  ['200 and nothing', answering(200), 'payment_uncertain', false],
  ['200 and no signatures', answering(200, '{"signatures":[]}'), 'payment_uncertain', false],
  ['signatures that are no points', answering(200, '{"signatures":[{"amount":1,"id":"00","C_":"x"}]}'), 'payment_uncertain', false],
  ['one signature too few', tooFewSignatures, 'paid', true],
  ['no DLEQ proofs', withoutDleq, 'paid', true],
  ['a body without end', hugeBody(), 'payment_uncertain', false],
  ['a redirect in a circle', redirected(), 'payment_uncertain', false],
  ['a redirect that keeps the method', redirected('http://127.0.0.1:1/', 307), 'payment_uncertain', false],
  ['400 from a proxy before it', answering(400, '<html>'), 'payment_uncertain', false],
  ['400 and JSON that is not a mint’s', answering(400, '{"error":"no"}'), 'payment_uncertain', false],
  ['403', answering(403, '{"detail":"no"}'), 'payment_uncertain', false],
  ['404', answering(404, '{"detail":"Not Found"}'), 'payment_uncertain', false],
  ['11001 for what is unspent', refusing(11001), 'payment_uncertain', false],
  ['11002', refusing(11002), 'payment_uncertain', false],
  ['11003', refusing(11003), 'payment_uncertain', false],
  ['11004', refusing(11004), 'payment_uncertain', false],
];

for (const [title, fault, now, moved] of unclearSwaps) {
  test(`the swap gets ${title}: ${now}, and paid when it is over`, async (t) => {
    const scene = await enter(t);
    const { mint, till, token } = scene;
    mint.faults.set('/v1/swap', fault);
    const answer = await till.pay(token);
    const { code = 'paid', headers } = (answer ?? {}) as { code?: string; headers?: Record<string, string> };
    assert.equal(code, now, till.reasons.join('; '));
    if (now !== 'paid') assert.equal(headers?.['Retry-After'], '1');
    assert.equal(mint.spentAmount(), moved ? AMOUNT : 0);
    assert.equal(till.credited(), moved ? AMOUNT : 0);
    if (moved) return balance(scene);
    mint.faults.clear();
    assert.equal(await till.ask(token), 'payment_uncertain', 'it rests, and the mint is left alone');
    till.clock.nowMs += REST_MS;
    await settles(scene);
    assert.equal(bodiesOf(scene).size, 1, 'the same bytes every time');
  });
}

test('every further failure makes the rest longer, up to half a minute', async (t) => {
  const { mint, till, token } = await enter(t);
  mint.faults.set('/v1/swap', droppedBefore);
  const rests: string[] = [];
  for (let tries = 0; tries < 7; tries++) {
    const answer = (await till.pay(token)) as { headers?: Record<string, string> };
    const seconds = answer.headers?.['Retry-After'] ?? '';
    rests.push(seconds);
    till.clock.nowMs += Number(seconds) * 1_000;
  }
  assert.deepEqual(rests, ['1', '2', '4', '8', '16', '30', '30']);
});

// biome-ignore format: a table is read by its columns
const refusals: readonly (readonly [title: string, fault: Fault])[] = [
  ['11005', refusing(11005)],
  ['12001', refusing(12001)],
  ['12002, though the keyset is active', refusing(12002)],
  ['12003', refusing(12003)],
  ['a code that nobody knows', refusing(99_999)],
  ['code 0', refusing(0)],
  ['400 without a code', answering(400, '{"detail":"database is locked"}')],
  ['422 without a code', answering(422, '{"detail":[{"msg":"value is not a valid integer"}]}')],
];

for (const [title, fault] of refusals) {
  test(`twice ${title} for unspent proofs: refused, and not for ever`, async (t) => {
    const scene = await enter(t);
    const { mint, till, token } = scene;
    mint.faults.set('/v1/swap', fault);
    assert.equal(await till.ask(token), 'payment_rejected', till.reasons.join('; '));
    assert.equal(mint.faults.seen('/v1/swap'), 2);
    mint.faults.clear();
    assert.equal(await till.ask(token), 'payment_rejected', 'remembered');
    assert.equal(
      await till.ask(token, 'premium', 'preview'),
      'payment_rejected',
      'and told to whoever asks again for nginx',
    );
    assert.equal(mint.faults.seen('/v1/swap'), 2);
    till.clock.nowMs += 60_000;
    await settles(scene);
  });

  test(`${title} after an answer that was lost: uncertain, until nothing can be under way`, async (t) => {
    const scene = await enter(t);
    const { mint, till, token } = scene;
    mint.faults.set('/v1/swap', droppedBefore);
    assert.equal(await till.ask(token), 'payment_uncertain');
    mint.faults.set('/v1/swap', fault);
    till.clock.nowMs += REST_MS;
    assert.equal(await till.ask(token), 'payment_uncertain');
    till.clock.nowMs += NO_LONGER_UNDER_WAY_MS;
    assert.equal(await till.ask(token), 'payment_rejected');
    mint.faults.clear();
    till.clock.nowMs += 60_000;
    await settles(scene);
  });
}

test('a mint that may take minutes to answer: what it was asked is under way until two minutes after we gave up', async (t) => {
  const mint = await startMint({ owner: t });
  const till = await openTill(t, { mints: [mint.url], timeoutMs: 300_000 });
  const token = await createPayer(mint.url).token(AMOUNT);
  mint.faults.set('/v1/swap', async () => {
    till.clock.nowMs += 300_000;
    mint.faults.set('/v1/swap', refusing(0));
    return undefined;
  });
  assert.equal(await till.ask(token), 'payment_uncertain');
  till.clock.nowMs += REST_MS;
  assert.equal(await till.ask(token), 'payment_uncertain');
  till.clock.nowMs += NO_LONGER_UNDER_WAY_MS;
  assert.equal(await till.ask(token), 'payment_rejected');
});

test('a token that the mint did not sign is refused for good, and its good proofs are free again', async (t) => {
  const { mint, till } = await enter(t);
  const payer = createPayer(mint.url);
  const [good, other] = [await payer.proofs(8), await payer.proofs(8)];
  const forged = other.map((proof) => ({ ...proof, C: good[0]?.C ?? '' }));
  const encode = (proofs: typeof good) =>
    `cashuA${Buffer.from(JSON.stringify({ token: [{ mint: mint.url, proofs: proofs.map(wire) }] })).toString('base64url')}`;
  const token = encode([...good, ...forged]);
  assert.equal(await till.ask(token), 'payment_rejected');
  assert.equal(mint.faults.seen('/v1/swap'), 1);
  till.clock.nowMs += 10 * 365 * 86_400_000;
  assert.equal(await till.ask(token), 'payment_rejected');
  assert.equal(mint.faults.seen('/v1/swap'), 1);
  assert.equal(await till.ask(encode(good)), 'paid');
  assert.equal(mint.spentAmount(), 8);
  assert.equal(await till.ask(token), 'payment_rejected');
});

// biome-ignore format: a table is read by its columns
const silences: readonly (readonly [title: string, fault: Fault])[] = [
  ['dropped', droppedBefore],
  ['429', rateLimited()],
  ['500', answering(500)],
  ['JSON that breaks off', badJson],
  ['JSON of another form', answering(200, '{"states":[{"Y":"02","state":"RESERVED"}],"outputs":7}')],
  ['nothing for some proofs', answering(200, '{"states":[]}')],
  ['a body without end', hugeBody()],
  ['a redirect', redirected()],
  ['400', refusing(0)],
];

for (const path of ['/v1/checkstate', '/v1/restore']) {
  for (const [title, fault] of [...silences, ['one signature too few', tooFewSignatures] as const]) {
    if (path === '/v1/checkstate' && title.includes('signature')) continue;
    test(`the swap’s answer is lost and ${path} gets ${title}: uncertain, and paid when it is over`, async (t) => {
      const scene = await enter(t);
      const { mint, till, token } = scene;
      mint.faults.set('/v1/swap', droppedAfter, { times: 1 });
      mint.faults.set(path, fault);
      assert.equal(await till.ask(token), 'payment_uncertain');
      assert.equal(mint.spentAmount(), AMOUNT);
      mint.faults.clear();
      till.clock.nowMs += REST_MS;
      await settles(scene);
    });
  }
}

test('a mint that denies for a while what it has signed loses us nothing', async (t) => {
  const scene = await enter(t);
  const { mint, till, token } = scene;
  mint.faults.set('/v1/swap', droppedAfter, { times: 1 });
  mint.faults.set('/v1/restore', lost);
  assert.equal(await till.ask(token), 'payment_uncertain');
  till.clock.nowMs += 1_000;
  assert.equal(await till.ask(token), 'payment_uncertain', 'spent and nothing restored, but a post may be under way');
  mint.faults.clear();
  till.clock.nowMs += REST_MS;
  await settles(scene);
});

for (const when of ['before', 'after'] as const) {
  test(`an answer that comes after the deadline, held ${when} the mint has acted, is found at the next look`, async (t) => {
    const scene = await enter(t);
    const { mint, till, token } = scene;
    const gate = Promise.withResolvers<void>();
    const late: Fault = async (act) => {
      if (when === 'before') await gate.promise;
      const answer = await act();
      await gate.promise;
      return answer;
    };
    mint.faults.set('/v1/swap', late);
    assert.equal(await till.ask(token), when === 'before' ? 'payment_uncertain' : 'paid');
    mint.faults.clear();
    gate.resolve();
    till.clock.nowMs += REST_MS;
    if (when === 'before') await settles(scene);
    else balance(scene);
    assert.equal(bodiesOf(scene).size, 1);
  });
}

for (const [title, codes] of [
  ['says so', false],
  ['answers every error with code 0', true],
] as const) {
  test(`keys that change between drawing and swapping, at a mint that ${title}: drawn anew and paid at once`, async (t) => {
    const scene = await enter(t);
    const { mint } = scene;
    const rotate = rotating(mint.mint);
    const fault: Fault = codes ? (act, asked) => codeless(async () => rotate(act, asked), asked) : rotate;
    mint.faults.set('/v1/swap', fault, { times: 1 });
    await settles(scene);
    assert.equal(bodiesOf(scene).size, 2);
  });
}

test('keys that had changed before the payment was drawn', async (t) => {
  const scene = await enter(t);
  assert.equal(await scene.till.ask(await createPayer(scene.mint.url).token(AMOUNT)), 'paid'); // keysets are known now
  scene.mint.mint.rotate();
  assert.equal(await scene.till.ask(scene.token), 'paid');
  assert.equal(
    await scene.till.ask(await createPayer(scene.mint.url).token(AMOUNT)),
    'paid',
    'a token of the new keys',
  );
  balance(scene);
});

test('keys that change all the time: uncertain, and paid when they stay', async (t) => {
  const scene = await enter(t);
  const { mint, till, token } = scene;
  mint.faults.set('/v1/swap', rotating(mint.mint));
  assert.equal(await till.ask(token), 'payment_uncertain', 'what was drawn anew was refused for the same reason');
  till.clock.nowMs += REST_MS;
  for (let tries = 0; tries < 20; tries++) {
    assert.match(await till.ask(token), /payment_uncertain|payment_rejected/);
    till.clock.nowMs += 60_000;
  }
  mint.faults.clear();
  till.clock.nowMs += 60_000;
  await settles(scene);
});

/** A mint that has not noticed yet what it has done. */
const stale: Fault = async (_act, { body }) => {
  const { Ys } = JSON.parse(body.toString()) as { Ys: string[] };
  return { status: 200, body: JSON.stringify({ states: Ys.map((Y) => ({ Y, state: 'UNSPENT' })) }) };
};

test('a mint that has signed, and denies it for so long that we refuse: found when the token comes again', async (t) => {
  const scene = await enter(t);
  const { mint, till, token } = scene;
  mint.faults.set('/v1/checkstate', stale);
  mint.faults.set('/v1/swap', droppedAfter, { times: 1 });
  mint.faults.set('/v1/sw*', refusing(0));
  assert.equal(await till.ask(token), 'payment_uncertain');
  till.clock.nowMs += NO_LONGER_UNDER_WAY_MS;
  assert.equal(await till.ask(token), 'payment_rejected');
  mint.faults.clear();
  till.clock.nowMs += 60_000;
  await settles(scene);
});

test('the mint had signed what was drawn first, before it was drawn anew: that is what counts', async (t) => {
  const scene = await enter(t);
  const { mint, till, token } = scene;
  mint.faults.set('/v1/checkstate', stale);
  mint.faults.set('/v1/swap', droppedAfter, { times: 1 });
  mint.faults.set('/v1/sw*', refusing(12002));
  assert.equal(await till.ask(token), 'payment_uncertain');
  mint.mint.rotate();
  till.clock.nowMs += REST_MS;
  assert.equal(await till.ask(token), 'payment_uncertain');
  assert.equal(bodiesOf(scene).size, 2, 'drawn anew');
  mint.faults.clear();
  till.clock.nowMs += REST_MS;
  await settles(scene);
});

test('a fee that the mint has changed since we last looked: drawn anew and paid', async (t) => {
  // An id of version 2 speaks for its fee as well.
  const scene = await enter(t, 16, { idVersion: 0 });
  const { mint, till, token } = scene;
  const raised: Fault = async (act) => {
    const answer = await act();
    const body = JSON.parse(String(answer?.body));
    for (const keyset of body.keysets) keyset.input_fee_ppk = 1_000;
    return { status: 200, body: JSON.stringify(body) };
  };
  mint.faults.set('/v1/keysets', raised, { times: 1 }); // what we believed
  assert.equal(await till.ask(token), 'paid');
  assert.equal(mint.spentAmount(), 16);
  assert.equal(till.credited(), 16);
  assert.equal(bodiesOf(scene).size, 2);
  spendAll(scene);
});

test('proofs that are pending elsewhere: uncertain, then paid or spent, as it goes', async (t) => {
  for (const end of ['released', 'spent'] as const) {
    const { mint, till, token } = await enter(t);
    // It is the state that says so, not the code.
    if (end === 'released') mint.faults.set('/v1/swap', codeless);
    const proofs = await createPayer(mint.url).proofs(AMOUNT);
    const own = `cashuA${Buffer.from(JSON.stringify({ token: [{ mint: mint.url, proofs: proofs.map(wire) }] })).toString('base64url')}`;
    const secrets = proofs.map(({ secret }) => secret);
    mint.mint.setPending(secrets, true);
    assert.equal(await till.ask(own), 'payment_uncertain');
    mint.mint.setPending(secrets, false);
    if (end === 'spent') mint.mint.swap(proofs.map(wire), blank(activeKeyset(mint.mint), coins(AMOUNT)).outputs);
    till.clock.nowMs += REST_MS;
    assert.equal(await till.ask(own), end === 'spent' ? 'payment_spent' : 'paid');
    assert.equal(till.credited(), end === 'spent' ? 0 : AMOUNT);
    assert.equal(await till.ask(token), 'paid');
  }
});

for (const [title, codes] of [
  ['11001', false],
  ['code 0', true],
] as const) {
  test(`spent elsewhere, at a mint that says ${title}: refused at once and for good`, async (t) => {
    const { mint, till } = await enter(t);
    const proofs = await createPayer(mint.url).proofs(AMOUNT);
    const own = `cashuA${Buffer.from(JSON.stringify({ token: [{ mint: mint.url, proofs: proofs.map(wire) }] })).toString('base64url')}`;
    mint.mint.swap(proofs.map(wire), blank(activeKeyset(mint.mint), coins(AMOUNT)).outputs);
    if (codes) mint.faults.set('/v1/swap', codeless);
    assert.equal(await till.ask(own), 'payment_spent');
    till.clock.nowMs += 10 * 365 * 86_400_000;
    assert.equal(await till.ask(own), 'payment_spent');
    assert.equal(mint.faults.seen('/v1/swap'), 1);
    assert.equal(till.credited(), 0);
  });
}

test('partly spent elsewhere: refused, and what is unspent of it is still money here', async (t) => {
  const { mint, till } = await enter(t);
  const [gone, left] = [await createPayer(mint.url).proofs(8), await createPayer(mint.url).proofs(8)];
  const encode = (proofs: typeof gone) =>
    `cashuA${Buffer.from(JSON.stringify({ token: [{ mint: mint.url, proofs: proofs.map(wire) }] })).toString('base64url')}`;
  mint.mint.swap(gone.map(wire), blank(activeKeyset(mint.mint), [8]).outputs);
  assert.equal(await till.ask(encode([...gone, ...left])), 'payment_spent');
  assert.equal(await till.ask(encode(left)), 'paid');
  assert.equal(till.credited(), 8);
});

test('a mint that caches answers (NUT-19) gives the same signatures again', async (t) => {
  const mint = await startMint({ owner: t, cached: true });
  const till = await openTill(t, { mints: [mint.url], timeoutMs: 1_000 });
  const token = await createPayer(mint.url).token(AMOUNT);
  mint.faults.set('/v1/swap', droppedAfter, { times: 1 });
  mint.faults.set('/v1/checkstate', droppedBefore);
  assert.equal(await till.ask(token), 'payment_uncertain');
  till.clock.nowMs += REST_MS;
  await settles({ mint, till, token });
  assert.equal(mint.faults.seen('/v1/restore'), 0);
});

test('an outage in the middle, and another process that goes on', async (t) => {
  const scene = await enter(t);
  const { mint, till, token } = scene;
  mint.faults.set('/v1/swap', droppedAfter);
  mint.faults.set('/v1/checkstate', droppedBefore);
  assert.equal(await till.ask(token), 'payment_uncertain');
  await till.close();
  mint.faults.clear();
  const other = await openTill(t, { mints: [mint.url], directory: till.directory, clock: till.clock });
  till.clock.nowMs += REST_MS;
  await settles({ mint, till: other, token });
});

test('a process that lost its lease judges nothing any more, and takes what the other has found', async (t) => {
  const scene = await enter(t, 16);
  const { mint, till, token } = scene;
  const other = await openTill(t, { mints: [mint.url], directory: till.directory, clock: till.clock });
  const gate = Promise.withResolvers<undefined>();
  mint.faults.set('/v1/swap', () => gate.promise, { times: 1 });
  const slow = till.ask(token);
  await until('the mint has the swap', () => mint.faults.seen('/v1/swap') === 1);
  assert.equal((await other.ask(token, 'premium', 'preview')).toString(), 'payment_uncertain');
  till.clock.nowMs += REST_MS; // the lease has ended
  assert.equal(await other.ask(token), 'paid');
  gate.resolve(undefined);
  assert.equal(await slow, 'paid');
  assert.deepEqual([till.concluded, other.concluded], [[], ['settled']]);
  assert.equal(mint.faults.seen('/v1/checkstate'), 0);
  balance(scene);
});

test('a token of a keyset that has expired: refused, not for ever, and nothing is taken', async (t) => {
  const mint = await startMint({ owner: t, keysets: [{ finalExpiry: 4_000_000_000 }], now: () => mintClock.nowMs });
  const mintClock = { nowMs: 0 };
  const till = await openTill(t, { mints: [mint.url], timeoutMs: 1_000 });
  const token = await createPayer(mint.url).token(AMOUNT);
  mint.mint.rotate();
  mintClock.nowMs = 4_000_000_001_000;
  assert.equal(await till.ask(token), 'payment_rejected');
  till.clock.nowMs += 60_000;
  assert.equal(await till.ask(token), 'payment_rejected');
  assert.equal(mint.faults.seen('/v1/swap'), 4);
  assert.equal(mint.spentAmount(), 0);
  assert.equal(till.credited(), 0);
});

const enterExpiring = async (t: TestContext) => {
  const clock = { nowMs: 0 };
  const mint = await startMint({ owner: t, keysets: [{ finalExpiry: 4_000_000_000 }], now: () => clock.nowMs });
  const till = await openTill(t, { mints: [mint.url], timeoutMs: 1_000 });
  const token = await createPayer(mint.url).token(AMOUNT);
  const expire = (): void => {
    mint.mint.rotate();
    clock.nowMs = 4_000_000_001_000;
  };
  return { mint, till, token, expire };
};

test('a keyset that expires after the mint has acted, while we do not know it: paid', async (t) => {
  const { mint, till, token, expire } = await enterExpiring(t);
  mint.faults.set('/v1/swap', droppedAfter, { times: 1 });
  mint.faults.set('/v1/checkstate', droppedBefore);
  assert.equal(await till.ask(token), 'payment_uncertain');
  expire();
  mint.faults.clear();
  till.clock.nowMs += REST_MS;
  assert.equal(await till.ask(token), 'paid', till.reasons.join('; '));
  assert.deepEqual([till.credited(), mint.spentAmount()], [AMOUNT, AMOUNT]);
});

test('a keyset that expires before the mint has acted: refused when nothing can be under way, and nothing is taken', async (t) => {
  const { mint, till, token, expire } = await enterExpiring(t);
  mint.faults.set('/v1/swap', droppedBefore);
  assert.equal(await till.ask(token), 'payment_uncertain');
  expire();
  mint.faults.clear();
  till.clock.nowMs += REST_MS;
  assert.equal(await till.ask(token), 'payment_uncertain');
  till.clock.nowMs += NO_LONGER_UNDER_WAY_MS;
  assert.equal(await till.ask(token), 'payment_rejected', till.reasons.join('; '));
  assert.deepEqual([till.credited(), mint.spentAmount()], [0, 0]);
});

for (const path of ['/v1/swap', '/v1/restore']) {
  test(`${path} gives signatures of other outputs: the mint's fault is not the payer's, and nothing is credited twice`, async (t) => {
    const { mint, till, token } = await enter(t);
    if (path === '/v1/restore') mint.faults.set('/v1/swap', droppedAfter, { times: 1 });
    mint.faults.set(path, wrongSignatures);
    assert.equal(await till.ask(token), 'paid', till.reasons.join('; '));
    mint.faults.clear();
    assert.deepEqual([till.credited(), mint.spentAmount()], [AMOUNT, AMOUNT]);
    assert.equal(await till.ask(token), 'credit_exhausted');
  });
}
