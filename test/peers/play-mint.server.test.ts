import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { getDecodedToken, getPubKeyFromPrivKey, hasValidDleq, type Proof, Wallet } from '@cashu/cashu-ts';
import { codes } from '../../examples/play-mint/errors.ts';
import { createMint, type PlayMint } from '../../examples/play-mint/mint.ts';
import { createPayer } from '../../examples/play-mint/payer.ts';
import { start } from '../../examples/play-mint/server.ts';
import { startNutshell } from '../servers/nutshell.ts';
import { needs } from '../servers/programs.ts';
import { activeKeyset, blank, coinsOf, wire } from './purse.ts';

async function running(t: TestContext, options: { mint?: PlayMint; cached?: boolean } = {}) {
  const server = await start(options);
  t.after(server.stop);
  const post = async (path: string, body: unknown) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const response = await fetch(`${server.url}${path}`, { method: 'POST', body: text });
    return { status: response.status, text: await response.text() };
  };
  return { ...server, post };
}

const sum = (proofs: readonly Proof[]) => proofs.reduce((total, { amount }) => total + amount.toNumber(), 0);

async function wallet(url: string, unit = 'sat'): Promise<Wallet> {
  const opened = new Wallet(url, { unit, requireSigDleq: true });
  await opened.loadMint();
  return opened;
}

const mints = [
  ['the play mint', needs(), async (t: TestContext) => (await running(t)).url],
  [
    'the play mint with fees and old keyset ids',
    needs(),
    async (t: TestContext) =>
      (await running(t, { mint: createMint({ keysets: [{ inputFeePpk: 100, idVersion: 0 }] }) })).url,
  ],
  ['Nutshell', needs('nutshell'), async (t: TestContext) => (await startNutshell({ owner: t })).url],
  [
    'Nutshell with fees',
    needs('nutshell'),
    async (t: TestContext) => (await startNutshell({ owner: t, inputFeePpk: 100 })).url,
  ],
] as const;

for (const [what, options, open] of mints) {
  test(`a cashu-ts wallet gets, sends, receives and checks money at ${what}`, options, async (t) => {
    const url = await open(t);
    const payer = createPayer(url);
    const [mine, theirs] = [await wallet(url), await wallet(url)];
    const token = await payer.token(100, { memo: 'round trip' });

    const received = await mine.receive(token);
    const fee = Number(
      mine.getFeesForProofs(
        getDecodedToken(
          token,
          mine.keyChain.getKeysets().map(({ id }) => id),
        ).proofs,
      ),
    );
    assert.equal(sum(received), 100 - fee);
    assert.ok(received.every((proof) => hasValidDleq(proof, mine.keyChain.getKeyset(proof.id))));

    const { send, keep } = await mine.send(37, received, { includeFees: true });
    const got = await theirs.receive(send);
    assert.equal(sum(got), 37);
    assert.deepEqual(new Set((await mine.checkProofsStates(send)).map(({ state }) => state)), new Set(['SPENT']));
    assert.deepEqual(
      new Set((await mine.checkProofsStates([...keep, ...got])).map(({ state }) => state)),
      new Set(['UNSPENT']),
    );
    await assert.rejects(mine.receive(token), { code: codes.alreadySpent });
  });

  test(`coins locked to a key (NUT-11) redeem with its signature alone, at ${what}`, options, async (t) => {
    const url = await open(t);
    const payer = createPayer(url);
    const privkey = '7f'.repeat(32);
    const pubkey = Buffer.from(getPubKeyFromPrivKey(Buffer.from(privkey, 'hex'))).toString('hex');
    const mine = await wallet(url);
    const token = await payer.token(64, { lock: { pubkey } });
    await assert.rejects(mine.receive(token), { status: 400 });
    assert.ok(sum(await mine.receive(token, { privkey })) >= 63);
  });
}

test('of fifty swaps of one proof that race, one succeeds', async (t) => {
  const { mint, post } = await running(t);
  const inputs = coinsOf(mint, [8]).map(wire);
  const tries = Array.from({ length: 50 }, () => ({ inputs, outputs: blank(activeKeyset(mint), [8]).outputs }));
  const answers = await Promise.all(tries.map((one) => post('/v1/swap', one)));
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  const refused = answers.filter(({ status }) => status === 400).map(({ text }) => JSON.parse(text).code);
  assert.deepEqual(refused, Array(49).fill(codes.alreadySpent));
  assert.deepEqual(mint.totals(), { minted: 8, issued: 16, spent: 8, fees: 0 });
});

for (const [cached, status] of [
  [false, 400],
  [true, 200],
] as const) {
  test(`the very same swap again is answered with ${status} ${cached ? 'by a mint that caches (NUT-19)' : 'by default'}`, async (t) => {
    const { mint, post } = await running(t, { cached });
    const swap = { inputs: coinsOf(mint, [2]).map(wire), outputs: blank(activeKeyset(mint), [2]).outputs };
    const first = await post('/v1/swap', swap);
    const again = await post('/v1/swap', swap);
    assert.equal(first.status, 200);
    assert.equal(again.status, status);
    assert.equal(again.text === first.text, cached);
    assert.equal(mint.totals().spent, 2);
  });
}

for (const [what, path, body, status] of [
  ['is no JSON', '/v1/swap', '{"inputs":', 422],
  ['has an amount in words', '/v1/mint/quote/bolt11', { amount: 'ten', unit: 'sat' }, 422],
  ['has a point of the wrong length', '/v1/checkstate', { Ys: ['02ff'] }, 422],
  ['is too large', '/v1/restore', JSON.stringify({ outputs: 'x'.repeat(1024 * 1024) }), 413],
  ['goes to what this mint does not offer', '/v1/melt/bolt12', {}, 404],
] as const) {
  test(`a request that ${what} gets ${status}`, async (t) => {
    const { post } = await running(t);
    assert.equal((await post(path, body)).status, status);
  });
}

test('a point in capital letters is the same point', async (t) => {
  const { mint, post } = await running(t);
  const [one] = blank(activeKeyset(mint), [1]).outputs;
  assert.ok(one);
  const outputs = [one, { ...one, B_: one.B_.toUpperCase() }];
  const { text } = await post('/v1/swap', { inputs: coinsOf(mint, [2]).map(wire), outputs });
  assert.equal(JSON.parse(text).code, codes.duplicateOutputs);
});

for (const [version, prefix] of [
  [3, 'cashuA'],
  [4, 'cashuB'],
] as const) {
  test(`a token of version ${version} has the coins that were asked for, and is worth its amount`, async (t) => {
    const { url, mint } = await running(t);
    const payer = createPayer(url);
    const token = await payer.token(11, { version, coins: [1, 1, 1, 8], mint: 'https://elsewhere.example' });
    assert.ok(token.startsWith(prefix));
    const decoded = getDecodedToken(
      token,
      mint.keysets().map(({ keyset }) => keyset.id),
    );
    assert.equal(decoded.mint, 'https://elsewhere.example');
    assert.equal(decoded.unit, 'sat');
    assert.deepEqual(decoded.proofs.map(({ amount }) => amount.toNumber()).sort(), [1, 1, 1, 8]);
    assert.ok(decoded.proofs.every(({ dleq }) => dleq));
    assert.equal(sum(await (await wallet(url)).receive({ ...decoded, mint: url })), 11);
  });
}

test('a payer can leave the DLEQ proofs out, and goes on after the mint has changed its keys', async (t) => {
  const { url, mint } = await running(t);
  const payer = createPayer(url);
  mint.rotate();
  const token = await payer.token(2, { dleq: false });
  const { proofs } = getDecodedToken(
    token,
    mint.keysets().map(({ keyset }) => keyset.id),
  );
  assert.deepEqual(
    proofs.map(({ id, dleq }) => [id, dleq]),
    [[activeKeyset(mint).id, undefined]],
  );
});
