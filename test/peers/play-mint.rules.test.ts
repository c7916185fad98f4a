import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasValidDleq } from '@cashu/cashu-ts';
import { codes, MintError } from '../../examples/play-mint/errors.ts';
import { createMint, type PlayMint } from '../../examples/play-mint/mint.ts';
import { yOf } from '../../examples/play-mint/signing.ts';
import type { Input, Output } from '../../examples/play-mint/wire.ts';
import { activeKeyset, blank, coinsOf, wire } from './purse.ts';

const refusesWith = (reason: keyof typeof codes) => (error: unknown) => {
  assert.ok(error instanceof MintError, String(error));
  assert.equal(error.code, codes[reason], error.message);
  return true;
};

/** What is tried, on a mint with two units, whose sat keyset takes no fee. */
type Attempt = (mint: PlayMint) => { inputs: Input[]; outputs: Output[] };

const outputs = (mint: PlayMint, coins: number[], unit = 'sat') => blank(activeKeyset(mint, unit), coins).outputs;
const inputs = (mint: PlayMint, coins: number[], unit = 'sat') => coinsOf(mint, coins, unit).map(wire);

const attempts: readonly (readonly [what: string, reason: keyof typeof codes, attempt: Attempt])[] = [
  ['no inputs', 'transaction', (mint) => ({ inputs: [], outputs: outputs(mint, [1]) })],
  ['no outputs', 'transaction', (mint) => ({ inputs: inputs(mint, [1]), outputs: [] })],
  ['more outputs than inputs', 'unbalanced', (mint) => ({ inputs: inputs(mint, [4]), outputs: outputs(mint, [4, 1]) })],
  ['less outputs than inputs', 'unbalanced', (mint) => ({ inputs: inputs(mint, [4]), outputs: outputs(mint, [2]) })],
  [
    'the same proof twice',
    'duplicateInputs',
    (mint) => {
      const [coin] = inputs(mint, [4]);
      return { inputs: coin ? [coin, { ...coin, witness: '{}' }] : [], outputs: outputs(mint, [8]) };
    },
  ],
  [
    'the same output twice',
    'duplicateOutputs',
    (mint) => {
      const [output] = outputs(mint, [4]);
      return { inputs: inputs(mint, [8]), outputs: output ? [output, output] : [] };
    },
  ],
  [
    'an output of an unknown keyset',
    'keysetUnknown',
    (mint) => ({ inputs: inputs(mint, [1]), outputs: outputs(mint, [1]).map((one) => ({ ...one, id: '00ff' })) }),
  ],
  [
    'a proof of an unknown keyset',
    'keysetUnknown',
    (mint) => ({ inputs: inputs(mint, [1]).map((one) => ({ ...one, id: '00ff' })), outputs: outputs(mint, [1]) }),
  ],
  [
    'an output of the keyset before the rotation',
    'keysetInactive',
    (mint) => {
      const attempt = { inputs: inputs(mint, [1]), outputs: outputs(mint, [1]) };
      mint.rotate();
      return attempt;
    },
  ],
  [
    'a proof that claims to be worth more',
    'invalidProof',
    (mint) => ({ inputs: inputs(mint, [1]).map((one) => ({ ...one, amount: 2 })), outputs: outputs(mint, [2]) }),
  ],
  [
    'a proof with another secret',
    'invalidProof',
    (mint) => ({ inputs: inputs(mint, [1]).map((one) => ({ ...one, secret: 'mine' })), outputs: outputs(mint, [1]) }),
  ],
  [
    'a proof whose signature is no point',
    'notAllowed',
    (mint) => ({
      inputs: inputs(mint, [1]).map((one) => ({ ...one, C: `02${'f'.repeat(64)}` })),
      outputs: outputs(mint, [1]),
    }),
  ],
  [
    'a coin that the keyset does not have',
    'amountOutOfRange',
    (mint) => ({ inputs: inputs(mint, [1, 2]), outputs: outputs(mint, [1]).map((one) => ({ ...one, amount: 3 })) }),
  ],
  [
    'inputs of two units',
    'multipleUnits',
    (mint) => ({ inputs: [...inputs(mint, [1]), ...inputs(mint, [1], 'usd')], outputs: outputs(mint, [2]) }),
  ],
  [
    'outputs of two units',
    'multipleUnits',
    (mint) => ({ inputs: inputs(mint, [2]), outputs: [...outputs(mint, [1]), ...outputs(mint, [1], 'usd')] }),
  ],
  [
    'outputs of another unit',
    'unitMismatch',
    (mint) => ({ inputs: inputs(mint, [2]), outputs: outputs(mint, [2], 'usd') }),
  ],
  [
    'a spent proof among others',
    'alreadySpent',
    (mint) => {
      const [first, second] = inputs(mint, [1, 2]);
      assert.ok(first && second);
      mint.swap([first], outputs(mint, [1]));
      return { inputs: [first, second], outputs: outputs(mint, [1, 2]) };
    },
  ],
  [
    'a proof that another transaction holds',
    'pending',
    (mint) => {
      const coins = inputs(mint, [1]);
      mint.setPending(
        coins.map(({ secret }) => secret),
        true,
      );
      return { inputs: coins, outputs: outputs(mint, [1]) };
    },
  ],
  [
    'outputs that are signed already',
    'outputsSigned',
    (mint) => {
      const signed = outputs(mint, [1]);
      mint.swap(inputs(mint, [1]), signed);
      return { inputs: inputs(mint, [1]), outputs: signed };
    },
  ],
];

for (const [what, reason, attempt] of attempts) {
  test(`a swap with ${what} is refused with ${codes[reason]}, and changes nothing`, () => {
    const mint = createMint({ keysets: [{}, { unit: 'usd' }] });
    const { inputs: given, outputs: wanted } = attempt(mint);
    const before = [mint.totals(), mint.totals('usd'), mint.states(given.map(({ secret }) => yOf(secret)))];
    const signed = mint.restore(wanted);
    assert.throws(() => mint.swap(given, wanted), refusesWith(reason));
    assert.deepEqual([mint.totals(), mint.totals('usd'), mint.states(given.map(({ secret }) => yOf(secret)))], before);
    assert.deepEqual(mint.restore(wanted), signed);
  });
}

test('what is unspent is what was minted, less the fees', () => {
  const mint = createMint({ keysets: [{ inputFeePpk: 100 }] });
  const coins = inputs(mint, [1, 2, 4, 8]); // four proofs at 0.1 each: a started sat of fees
  assert.throws(() => mint.swap(coins, outputs(mint, [1, 2, 4, 8])), refusesWith('unbalanced'));
  mint.swap(coins, outputs(mint, [2, 4, 8]));
  assert.deepEqual(mint.totals(), { minted: 15, issued: 29, spent: 15, fees: 1 });
});

test('a keyset that has expired neither redeems nor signs', () => {
  let now = 1_000_000;
  const mint = createMint({ keysets: [{ finalExpiry: 2_000 }], now: () => now });
  const attempt = { inputs: inputs(mint, [1]), outputs: outputs(mint, [1]) };
  now = 2_000_000;
  assert.throws(() => mint.swap(attempt.inputs, attempt.outputs), refusesWith('keysetExpired'));
  assert.throws(() => mint.mint(mint.createQuote(1, 'sat').quote, attempt.outputs), refusesWith('keysetExpired'));
});

test('proofs of the keyset before the rotation still redeem', () => {
  const mint = createMint();
  const coins = inputs(mint, [1, 4]);
  mint.rotate();
  assert.equal(mint.swap(coins, outputs(mint, [1, 4])).length, 2);
});

test('a quote gives its amount once', () => {
  const mint = createMint();
  const { quote } = mint.createQuote(3, 'sat');
  assert.throws(() => mint.mint(quote, outputs(mint, [1])), refusesWith('unbalanced'));
  assert.equal(mint.mint(quote, outputs(mint, [1, 2])).length, 2);
  assert.throws(() => mint.mint(quote, outputs(mint, [1, 2])), refusesWith('quoteIssued'));
  assert.throws(() => mint.createQuote(1, 'eur'), refusesWith('unitNotSupported'));
});

test('a mint that wants its quotes paid waits for that', () => {
  const mint = createMint({ paid: false });
  const { quote } = mint.createQuote(1, 'sat');
  assert.throws(() => mint.mint(quote, outputs(mint, [1])), refusesWith('quoteNotPaid'));
  mint.payQuote(quote);
  assert.equal(mint.mint(quote, outputs(mint, [1])).length, 1);
});

test('restore gives the signatures of what was signed, in order, and nothing else', () => {
  const mint = createMint();
  const ours = blank(activeKeyset(mint), [1, 2, 4]);
  const never = outputs(mint, [8]);
  const signatures = mint.swap(inputs(mint, [1, 2, 4]), ours.outputs);
  const [first, ...rest] = ours.outputs;
  assert.ok(first);
  assert.deepEqual(mint.restore([first, ...never, ...rest]), { outputs: ours.outputs, signatures });
  assert.deepEqual(mint.restore(never), { outputs: [], signatures: [] });
});

test('every signature proves its key (NUT-12), and a changed one does not', () => {
  const mint = createMint({ keysets: [{ unit: 'usd', idVersion: 0 }] });
  const { id, publicKeys: keys } = activeKeyset(mint, 'usd');
  assert.match(id, /^00[0-9a-f]{14}$/);
  const [one, other] = coinsOf(mint, [1, 64], 'usd');
  assert.ok(one?.dleq && other?.dleq);
  assert.equal(hasValidDleq(one, { id, keys }), true);
  assert.equal(hasValidDleq(other, { id, keys }), true);
  assert.equal(hasValidDleq({ ...one, secret: 'other' }, { id, keys }), false);
});
