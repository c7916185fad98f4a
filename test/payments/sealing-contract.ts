/** What every ledger holds to when it is sealed, whichever database is behind it. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { Ledger } from '../../src/paywall/ledger.ts';
import { CannotOpen, createSealer } from '../../src/paywall/seal.ts';
import { createSealedLedger } from '../../src/paywall/sealed-ledger.ts';
import { type OpenLedger, paymentOf, setOf, signatures } from './ledger-contract.ts';

const [old, current] = [randomBytes(32), randomBytes(32)];

const swapIn = async (ledger: Ledger, letters: string, nowMs: number) => {
  const lease = await ledger.lease(setOf(letters).paymentId, 'us', nowMs, nowMs + 10);
  assert.equal(lease.lease, 'taken');
  return lease.payment;
};

export const sealingContract = (name: string, open: OpenLedger, options: { skip?: string | false } = {}): void => {
  const guarantee = (what: string, check: (ledger: Ledger) => Promise<void>) =>
    test(`${name}: ${what}`, options, async (t) => check(await open(t)));

  guarantee('what is sealed lies there sealed, and is read as it was by whoever has the key', async (ledger) => {
    const sealed = createSealedLedger(ledger, createSealer(old));
    const claims = setOf('a');
    const { swap } = paymentOf(claims);
    await sealed.prepare(paymentOf(claims), claims);
    const second = { ...swap, body: 'second body', outputs: 'second outputs' };
    assert.deepEqual((await swapIn(sealed, 'a', 0)).swap, { number: 1, ...swap });
    assert.equal(await sealed.replaceSwap(claims.paymentId, 'us', second), 2);
    const payment = await swapIn(createSealedLedger(ledger, createSealer(current, [old])), 'a', 0);
    assert.deepEqual([payment.swap, payment.earlier], [{ number: 2, ...second }, [{ number: 1, ...swap }]]);
    const raw = await swapIn(ledger, 'a', 0);
    for (const { body, outputs } of [raw.swap, ...raw.earlier]) {
      assert.match(`${body} ${outputs}`, /^sealed:1:[0-9a-f]{16}:[\w-]+ sealed:1:[0-9a-f]{16}:[\w-]+$/);
    }
  });

  guarantee('what was written before there was a key is read all the same', async (ledger) => {
    await ledger.prepare(paymentOf(setOf('a')), setOf('a'));
    const payment = await swapIn(createSealedLedger(ledger, createSealer(current)), 'a', 0);
    assert.equal(payment.swap.body, paymentOf(setOf('a')).swap.body);
  });

  guarantee('without the key nothing is read, and nothing is lost', async (ledger) => {
    const sealed = createSealedLedger(ledger, createSealer(old));
    await sealed.prepare(paymentOf(setOf('a')), setOf('a'));
    await assert.rejects(swapIn(createSealedLedger(ledger, createSealer(current)), 'a', 0), CannotOpen);
    assert.equal((await swapIn(sealed, 'a', 1_000)).swap.body, paymentOf(setOf('a')).swap.body);
  });

  guarantee('a key that is missing is noticed while there is anything that it has sealed', async (ledger) => {
    const [first, second] = [createSealer(old), createSealer(current)];
    const [oldId = '', currentId = ''] = [...first.keyIds, ...second.keyIds];
    assert.deepEqual(await ledger.noteKeys(undefined, []), []);
    assert.deepEqual(await ledger.noteKeys(oldId, [oldId]), []);
    const sealed = createSealedLedger(ledger, first);
    await sealed.prepare(paymentOf(setOf('a')), setOf('a'));
    for (const known of [[], [currentId]]) {
      assert.deepEqual(await ledger.noteKeys(known[0], known), [oldId]);
    }
    assert.deepEqual(await ledger.noteKeys(currentId, [currentId, oldId]), []);
    assert.deepEqual(await ledger.noteKeys(oldId, [oldId]), [], 'the other was never used, and is forgotten');
    await sealed.settle(setOf('a').paymentId, 1, signatures, 0);
    assert.deepEqual(await ledger.noteKeys(undefined, []), [oldId]);
  });

  guarantee(
    'a key whose payments were all sealed by another is not missed for the swaps, but for the signatures',
    async (ledger) => {
      const [first, second] = [createSealer(old), createSealer(current)];
      const claims = setOf('a');
      await ledger.noteKeys(first.currentKeyId, first.keyIds);
      await createSealedLedger(ledger, second).prepare(paymentOf(claims), claims);
      assert.deepEqual(await ledger.noteKeys(first.currentKeyId, first.keyIds), []);
      await createSealedLedger(ledger, first).settle(claims.paymentId, 1, signatures, 0);
      assert.deepEqual(await ledger.noteKeys(undefined, second.keyIds), first.keyIds);
    },
  );
};
