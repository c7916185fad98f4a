import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Signature } from '../../examples/play-mint/wire.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';
import {
  answering,
  badJson,
  cutShort,
  droppedAfter,
  droppedBefore,
  type Fault,
  failingAfter,
  hold,
  hugeBody,
  rateLimited,
  redirected,
} from './faults.ts';
import { type FaultyMint, startMint } from './mint.ts';
import { codeless, refusing, rotating, tooFewSignatures, withoutDleq, wrongSignatures } from './mint-faults.ts';
import { activeKeyset, blank, coinsOf, wire } from './purse.ts';

/** What came back for a swap of a 1 and a 2: the status, or how the connection ended. */
async function trySwap(peer: FaultyMint): Promise<{ status: number | string; body: string; headers: Headers }> {
  const inputs = coinsOf(peer.mint, [1, 2]).map(wire);
  const { outputs } = blank(activeKeyset(peer.mint), [1, 2]);
  const nothing = { body: '', headers: new Headers() };
  try {
    const body = JSON.stringify({ inputs, outputs });
    const response = await fetch(`${peer.url}/v1/swap`, { method: 'POST', body, redirect: 'manual' });
    return { status: response.status, body: await response.text(), headers: response.headers };
  } catch (error) {
    return { ...nothing, status: error instanceof Error ? error.message : String(error) };
  }
}

const parsed = (text: string) => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

type Answered = Awaited<ReturnType<typeof trySwap>>;
type Row = readonly [name: string, fault: Fault, acts: boolean, check: (answer: Answered) => void];

const cut = ({ status }: Answered) => assert.match(String(status), /fetch failed|terminated/);
const status = (expected: number) => (answer: Answered) => assert.equal(answer.status, expected);
const code = (expected: number) => (answer: Answered) => {
  assert.equal(answer.status, 400);
  assert.equal(parsed(answer.body)?.code, expected);
};

const rows: readonly Row[] = [
  ['droppedBefore', droppedBefore, false, cut],
  ['droppedAfter', droppedAfter, true, cut],
  ['cutShort', cutShort, true, cut],
  [
    'rateLimited',
    rateLimited(7),
    false,
    ({ status: given, headers }) => assert.deepEqual([given, headers.get('retry-after')], [429, '7']),
  ],
  ['answering', answering(500), false, status(500)],
  ['failingAfter', failingAfter(502), true, status(502)],
  ['badJson', badJson, true, ({ status: given, body }) => assert.deepEqual([given, parsed(body)], [200, undefined])],
  ['hugeBody', hugeBody(5_000_000), false, ({ body }) => assert.ok(body.length > 5_000_000)],
  [
    'redirected',
    redirected(),
    false,
    ({ status: given, headers }) => assert.deepEqual([given, headers.get('location')], [302, '/v1/swap']),
  ],
  ['tooFewSignatures', tooFewSignatures, true, ({ body }) => assert.equal(parsed(body).signatures.length, 1)],
  ['withoutDleq', withoutDleq, true, ({ body }) => assert.equal(parsed(body).signatures[0].dleq, undefined)],
  ['refusing', refusing(11002), false, code(11002)],
];

for (const [name, fault, acts, check] of rows) {
  test(`${name}: the client sees it, and the mint ${acts ? 'has acted' : 'has done nothing'}`, async (t) => {
    const peer = await startMint({ owner: t });
    peer.faults.set('/v1/swap', fault);
    check(await trySwap(peer));
    assert.equal(peer.spentAmount(), acts ? 3 : 0);
    assert.equal(peer.issuedAmount(), acts ? 6 : 3);
    peer.faults.clear();
    assert.equal((await trySwap(peer)).status, 200);
    assert.equal(peer.faults.seen('/v1/swap'), 2);
  });
}

for (const coins of [[1], [1, 2, 4]]) {
  test(`wrongSignatures: none of ${coins.length} makes a good proof`, async (t) => {
    const peer = await startMint({ owner: t });
    peer.faults.set('/v1/swap', wrongSignatures);
    const ours = blank(activeKeyset(peer.mint), coins);
    const inputs = coinsOf(peer.mint, coins).map(wire);
    const response = await fetch(`${peer.url}/v1/swap`, {
      method: 'POST',
      body: JSON.stringify({ inputs, outputs: ours.outputs }),
    });
    assert.equal(response.status, 200);
    const { signatures }: { signatures: Signature[] } = parsed(await response.text());
    const keyset = activeKeyset(peer.mint);
    const unblinded = ours.proofs(signatures.map(({ dleq, ...rest }) => rest));
    assert.equal(unblinded.length, coins.length);
    for (const coin of unblinded.map(wire)) {
      assert.throws(() => peer.mint.swap([coin], blank(keyset, [coin.amount]).outputs), /could not be verified/);
    }
  });
}

test('codeless: every refusal is 400 with code 0, and good answers stay good', async (t) => {
  const peer = await startMint({ owner: t });
  peer.faults.set('*', codeless);
  assert.equal((await trySwap(peer)).status, 200);
  const refused = await request(peer.url, '/v1/swap', { method: 'POST', body: '{"inputs":[],"outputs":[]}' });
  assert.deepEqual([refused.status, parsed(refused.body).code], [400, 0]);
});

test('rotating: the keys change between the making of a swap and its arrival', async (t) => {
  const peer = await startMint({ owner: t });
  peer.faults.set('/v1/swap', rotating(peer.mint), { times: 1 });
  code(12002)(await trySwap(peer));
  assert.equal((await trySwap(peer)).status, 200);
  assert.equal(peer.mint.keysets().length, 2);
});

for (const when of ['before', 'after'] as const) {
  test(`hold: requests wait ${when} the mint has acted, until they are released`, async (t: TestContext) => {
    const peer = await startMint({ owner: t });
    const { fault, waiting, release } = hold(when);
    peer.faults.set('/v1/swap', fault);
    const swaps = [trySwap(peer), trySwap(peer)];
    await until('both wait', () => waiting() === 2);
    assert.equal(peer.spentAmount(), when === 'before' ? 0 : 6);
    release();
    assert.deepEqual(
      (await Promise.all(swaps)).map((answer) => answer.status),
      [200, 200],
    );
    assert.equal(peer.spentAmount(), 6);
  });
}

test('a fault lasts as many times as asked for, on the paths it is set for, and the requests are kept', async (t) => {
  const peer = await startMint({ owner: t });
  peer.faults.set('/v1/keys*', answering(503), { times: 2 });
  const statuses: number[] = [];
  for (const path of ['/v1/keys', '/v1/info', '/v1/keysets', '/v1/keys'])
    statuses.push((await request(peer.url, path)).status);
  assert.deepEqual(statuses, [503, 200, 503, 200]);
  assert.equal(peer.faults.seen('/v1/keys*'), 3);
  assert.deepEqual(
    peer.faults.requests('/v1/keys*').map(({ url }) => url),
    ['/v1/keys', '/v1/keys', '/v1/keysets'],
  );
});

test('in an outage connections are refused, and afterwards the mint is where it was', async (t) => {
  const peer = await startMint({ owner: t });
  await peer.outage();
  await assert.rejects(request(peer.url, '/v1/info'), /ECONNREFUSED/);
  await peer.recover();
  assert.equal((await request(peer.url, '/v1/info')).status, 200);
});
