import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './harness.test.ts';
import { choosePayouts } from './payouts.ts';

const choose = (cashu: string) =>
  choosePayouts(load(`cashu: ${cashu}`, { insecure: new Set(['insecure-any-mint']) }).config.cashu, (url) => url);

test('without settings in common a mint’s own are complete, by the same defaults', () => {
  const settings = '{ above: 10, to: me@pay.example }';
  const { all } = choose(`{ mints: [{ url: https://one.example, payout: ${settings} }] }`);
  const common = choose(`{ payout: ${settings} }`).all;
  assert.deepEqual(
    all,
    common.map((each) => ({ folder: undefined, ...each })),
  );
});

test('each mint has its own settings before those of `*`, and those before the common ones', () => {
  const mints =
    '[{ url: https://one.example, payout: { above: 1 } }, https://two.example, { url: https://off.example, payout: false }';
  const common = 'payout: { above: 10, folder: /out }';
  const aboveOf = (cashu: string): readonly (number | undefined)[] => {
    const { of } = choose(cashu);
    return ['one', 'two', 'off', 'unnamed'].map((name) => of(`https://${name}.example`)?.above);
  };
  assert.deepEqual(aboveOf(`{ mints: ${mints}], ${common} }`), [1, 10, undefined, 10]);
  assert.deepEqual(aboveOf(`{ mints: ${mints}, "*"], ${common} }`), [1, 10, undefined, 10]);
  const any = (payout: string) => `{ mints: ${mints}, { url: "*", payout: ${payout} }], ${common} }`;
  assert.deepEqual(aboveOf(any('{ above: 99 }')), [1, 10, undefined, 99]);
  assert.deepEqual(aboveOf(any('false')), [1, 10, undefined, undefined]);
});

test('an address stands in place of the common folder, and a folder in place of the common address', () => {
  const waysOf = (own: string, common: string) =>
    choose(`{ mints: [{ url: https://one.example, payout: ${own} }], payout: { above: 1, ${common} } }`).all.map(
      ({ to, folder }) => [to, folder],
    );
  assert.deepEqual(waysOf('{ to: me@pay.example }', 'folder: /out')[0], ['me@pay.example', undefined]);
  assert.deepEqual(waysOf('{ folder: /own }', 'to: me@pay.example')[0], [undefined, '/own']);
});
