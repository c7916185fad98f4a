import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deriveKeysetId } from '@cashu/cashu-ts';
import fc from 'fast-check';
import { readKeys, readKeysets, readRestored, readStates, readSwap, WrongKeys } from './answers.ts';

const point = (digit: string) => `02${digit.repeat(64)}`;
const result = (status: number, body: unknown) => ({
  status,
  headers: {},
  body: typeof body === 'string' ? body : (JSON.stringify(body) ?? ''),
});

const outputs = [
  { amount: 1, id: '00aa', B_: point('1') },
  { amount: 2, id: '00aa', B_: point('2') },
];
const signatures = [
  { amount: 1, id: '00aa', C_: point('3') },
  { amount: 2, id: '00aa', C_: point('4'), dleq: { e: 'e', s: 's' } },
];
const [one, two] = signatures;

// biome-ignore format: a table is read by its columns
const swaps: readonly (readonly [title: string, status: number, body: unknown, outcome: string])[] = [
  ['a signature for each output', 200, { signatures }, 'signed'],
  ['more besides', 200, { signatures: signatures.map((entry) => ({ ...entry, more: 1 })), more: 1 }, 'signed'],
  ['no DLEQ, said so', 200, { signatures: [one, { ...two, dleq: null }] }, 'signed'],
  ['too few', 200, { signatures: [one] }, 'unclear'],
  ['too many', 200, { signatures: [one, two, two] }, 'unclear'],
  ['in another order', 200, { signatures: [two, one] }, 'unclear'],
  ['of another keyset', 200, { signatures: [one, { ...two, id: '00bb' }] }, 'unclear'],
  ['of another amount', 200, { signatures: [one, { ...two, amount: 4 }] }, 'unclear'],
  ['that are no points', 200, { signatures: [one, { ...two, C_: 'x' }] }, 'unclear'],
  ['none', 200, {}, 'unclear'],
  ['an error with 200', 200, { detail: 'no', code: 11_001 }, 'unclear'],
  ['no JSON', 200, '<html>', 'unclear'],
  ['nothing', 200, '', 'unclear'],
  ['signatures with 201', 201, { signatures }, 'unclear'],
  ['a code', 400, { detail: 'spent', code: 11_001 }, 'refused 11001'],
  ['code 0', 400, { detail: 'error', code: 0 }, 'refused 0'],
  ['no code', 400, { detail: 'error' }, 'refused undefined'],
  ['422 of a framework', 422, { detail: [{ loc: ['body'] }] }, 'refused undefined'],
  ['a code in words', 400, { detail: 'error', code: '11001' }, 'unclear'],
  ['400 without a body', 400, '', 'unclear'],
  ['400 of a proxy', 400, { error: 'bad' }, 'unclear'],
  ['a list', 400, [], 'unclear'],
  ['401', 401, { detail: 'auth' }, 'unclear'],
  ['429', 429, { detail: 'slow down' }, 'unclear'],
  ['500 with a code', 500, { detail: 'error', code: 11_001 }, 'unclear'],
  ['a redirect', 302, '', 'unclear'],
];

for (const [title, status, body, expected] of swaps) {
  test(`a swap is answered by ${status}, ${title}: ${expected}`, () => {
    const outcome = readSwap(result(status, body), outputs);
    assert.equal(outcome.outcome === 'refused' ? `refused ${outcome.code}` : outcome.outcome, expected);
  });
}

test('of a signature only what is known is kept', () => {
  const outcome = readSwap(result(200, { signatures: signatures.map((entry) => ({ ...entry, more: 1 })) }), outputs);
  assert.deepEqual(outcome, { outcome: 'signed', signatures });
});

test('signatures are given in the order of the outputs, whatever order the mint restores them in', () => {
  const restored = { outputs: outputs.toReversed(), signatures: signatures.toReversed() };
  assert.deepEqual(readRestored(result(200, restored), outputs), signatures);
});

test('nothing restored is nothing signed; a part of it is no answer', () => {
  assert.equal(readRestored(result(200, { outputs: [], signatures: [] }), outputs), undefined);
  for (const restored of [
    { outputs: outputs.slice(1), signatures: signatures.slice(1) },
    { outputs, signatures: signatures.slice(1) },
    { outputs, signatures: signatures.toReversed() },
  ]) {
    assert.throws(() => readRestored(result(200, restored), outputs));
  }
});

test('states come by the point they are of', () => {
  const states = [
    { Y: point('B').toUpperCase(), state: 'SPENT' },
    { Y: point('a'), state: 'UNSPENT', witness: 'x' },
  ];
  assert.deepEqual(readStates(result(200, { states }), [point('a'), point('b')]), ['UNSPENT', 'SPENT']);
  assert.throws(() => readStates(result(200, { states }), [point('c')]), /left out/);
  assert.throws(() => readStates(result(200, { states: [{ Y: point('a'), state: 'RESERVED' }] }), [point('a')]));
});

test('a keyset whose id is of a form that we cannot use is left out, the others are not', () => {
  const entry = { unit: 'sat', active: true };
  const keysets = [
    { ...entry, id: '00ad268c4d1f5826' },
    { ...entry, id: `01${'a'.repeat(64)}`, active: false, input_fee_ppk: 100, final_expiry: 7 },
    { ...entry, id: 'I2yN+iRYfkzT' },
  ];
  assert.deepEqual(readKeysets(result(200, { keysets })), [
    { id: '00ad268c4d1f5826', unit: 'sat', active: true, inputFeePpk: 0 },
    { id: `01${'a'.repeat(64)}`, unit: 'sat', active: false, inputFeePpk: 100, finalExpiry: 7 },
  ]);
  for (const input_fee_ppk of [-1, 0.5, '1', 2_000_000]) {
    assert.throws(() => readKeysets(result(200, { keysets: [{ ...keysets[0], input_fee_ppk }] })));
  }
});

const pair = { '1': point('1'), '2': point('2') };

test('the keys are those of the keyset that was asked for', () => {
  const id = deriveKeysetId(pair, { versionByte: 0 });
  const keysets = [{ id, unit: 'sat', keys: pair }];
  assert.deepEqual(readKeys(id, result(200, { keysets })), pair);
  assert.throws(() => readKeys('00ffffffffffffff', result(200, { keysets })), /another keyset/);
  assert.throws(() => readKeys(id, result(200, { keysets: [{ ...keysets[0], keys: { one: point('1') } }] })));
});

for (const [version, committed] of [
  [0, []],
  [1, ['unit', 'input_fee_ppk', 'final_expiry']],
] as const) {
  test(`a keyset id of version ${version + 1} speaks for the keys${committed.map((name) => `, ${name}`).join('')}`, () => {
    const terms = { unit: 'usd', input_fee_ppk: 100, final_expiry: 2_000_000_000 };
    const id = deriveKeysetId(pair, { ...terms, expiry: terms.final_expiry, versionByte: version });
    const honest = { id, ...terms, keys: pair };
    const listed = { unit: 'usd', inputFeePpk: 100, finalExpiry: 2_000_000_000 };
    const read = (change: object, list?: typeof listed) =>
      readKeys(id, result(200, { keysets: [{ ...honest, ...change }] }), list);
    assert.deepEqual(read({}), pair);
    assert.deepEqual(
      read({ input_fee_ppk: null, final_expiry: undefined }, listed),
      pair,
      'older mints list them alone',
    );
    for (const keys of [{ ...pair, '2': point('3') }, { '1': pair[1] }, { ...pair, '4': point('4') }, {}]) {
      assert.throws(() => read({ keys }), WrongKeys);
    }
    assert.throws(() => read({ unit: 'sat' }, listed), WrongKeys, 'the list says otherwise');
    for (const [name, change, list] of [
      ['unit', { unit: 'sat' }, { ...listed, unit: 'sat' }],
      ['input_fee_ppk', { input_fee_ppk: 0 }, { ...listed, inputFeePpk: 0 }],
      ['final_expiry', { final_expiry: null }, { ...listed, finalExpiry: 0 }],
    ] as const) {
      const reads = [() => read(change), () => read(change, list)];
      for (const each of reads) {
        if (committed.some((one) => one === name)) assert.throws(each, WrongKeys, name);
        else assert.deepEqual(each(), pair);
      }
    }
  });
}

test('whatever a mint answers, nothing of it is repeated', () => {
  const canary = 'canary-of-the-mint';
  const anything = fc.oneof(
    fc.json(),
    fc.constant(canary),
    fc.constant(JSON.stringify({ [canary]: canary, detail: canary })),
  );
  fc.assert(
    fc.property(fc.constantFrom(200, 400, 422, 500), anything, (status, body) => {
      const sent = result(status, `${body}${canary}`);
      for (const read of [
        () => readKeysets(sent),
        () => readKeys(canary, sent),
        () => readStates(sent, [point('a')]),
        () => readRestored(sent, outputs),
      ]) {
        assert.throws(read, (error: Error) => !`${error.message}${error.stack}`.includes(canary));
      }
      assert.ok(!JSON.stringify(readSwap(sent, outputs)).includes(canary));
      assert.ok(!JSON.stringify(readSwap(result(status, body), outputs)).includes(canary));
    }),
  );
});
