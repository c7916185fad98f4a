/** Tokens that are locked to our key, at real mints: asked for, signed, accepted without asking, and settled in batches. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createPayer } from '../../examples/play-mint/payer.ts';
import { encodeToken } from '../../examples/play-mint/token.ts';
import { readLockKey } from '../../src/config/lock-key.ts';
import { droppedAfter, droppedBefore } from '../peers/faults.ts';
import { relayTo } from '../peers/relay.ts';
import { needs } from '../servers/programs.ts';
import { collectAll } from './collect.ts';
import type { MintKind } from './mint-suite.ts';
import { balanceOf, exportedOf, receive, takerOf } from './taker.ts';
import { openTill, SETTLE_EVERY_MS, type Till } from './till.ts';

const privateKey = '5'.repeat(64);
const { publicKey: pubkey = '' } = readLockKey(privateKey) ?? {};
const lock = { pubkey };

const AMOUNT = 8;
const REST_MS = 40_000;

const enter = async (t: TestContext, kind: MintKind, maxUnsettled?: number) => {
  const server = await kind.start({ owner: t, inputFeePpk: 100 });
  const { url, faults } = await relayTo(server.url, t);
  const offline = maxUnsettled === undefined ? {} : { maxUnsettled };
  const till = await openTill(t, { mints: [url], timeoutMs: 5_000, lock: { privateKey }, ...offline });
  await till.mintOf(url)?.refreshKeysets(0);
  return { url, faults, till, pay: createPayer(url) };
};

/** What we hold is money: another wallet receives it. */
const spendAll = async (url: string, till: Till): Promise<void> => {
  await collectAll(till);
  const { token, amount } = exportedOf(await takerOf(till).take(url, 'sat', 'all'));
  assert.equal(await receive(url, token), amount - 1, 'less the mint’s fee');
};

export const lockedSuite = (kind: MintKind): void => {
  const options = needs(kind.program);

  test(`${kind.name}: a locked token is signed once, and paid after an answer that was lost`, options, async (t) => {
    const { url, faults, till, pay } = await enter(t, kind);
    const token = await pay.token(AMOUNT, { lock });
    faults.set('/v1/swap', droppedAfter, { times: 1 });
    faults.set('/v1/checkstate', droppedBefore, { times: 1 });
    assert.equal(await till.ask(token), 'payment_uncertain');
    till.clock.nowMs += REST_MS;
    assert.equal(await till.ask(token), 'paid', till.reasons.join('; '));
    assert.equal(new Set(faults.requests('/v1/swap').map(({ body }) => body.toString())).size, 1);
    await spendAll(url, till);
  });

  test(
    `${kind.name}: locked tokens are accepted while it is out of reach, and settled when it is back`,
    options,
    async (t) => {
      const { url, faults, till, pay } = await enter(t, kind, 1_000);
      const tokens = await Promise.all(Array.from({ length: 5 }, () => pay.token(AMOUNT, { lock })));
      const [first = '', ...others] = tokens;
      assert.equal(await till.ask(first), 'paid', 'its keys are known from then on');
      for (const path of ['/v1/swap', '/v1/checkstate', '/v1/restore']) faults.set(path, droppedBefore);
      for (const token of others) assert.equal(await till.ask(token), 'paid');
      till.clock.nowMs += SETTLE_EVERY_MS;
      await till.settler.settleDue();
      faults.clear();
      faults.set('/v1/swap', droppedAfter, { times: 1 });
      for (let tries = 0; tries < 4; tries++) {
        till.clock.nowMs += REST_MS;
        await till.settler.settleDue();
      }
      const { unsettled, refused, received } = await balanceOf(till);
      assert.deepEqual(
        [unsettled.amount, refused.amount, received.amount],
        [0, 0, 5 * AMOUNT - 1],
        till.reasons.join('; '),
      );
      await spendAll(url, till);
    },
  );

  test(`${kind.name}: a forged DLEQ is refused, and the mint does not hear of it`, options, async (t) => {
    const { url, faults, till, pay } = await enter(t, kind, 1_000);
    const proofs = await pay.proofs(AMOUNT, { lock });
    const forged = proofs.map((proof) => ({
      ...proof,
      dleq: { s: '', ...proof.dleq, e: '1'.repeat(64), r: '1'.repeat(64) },
    }));
    assert.equal(await till.ask(encodeToken({ mint: url, unit: 'sat', proofs: forged })), 'payment_rejected');
    assert.equal(faults.seen('/v1/swap'), 0);
    assert.equal(await till.ask(encodeToken({ mint: url, unit: 'sat', proofs })), 'paid');
  });
};
