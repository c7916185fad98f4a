import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CashuToken } from '../core/payment.ts';
import { createSessionTeller, hashOfSession, offerSession } from './session.ts';

const token: CashuToken = {
  mint: 'https://mint.example',
  unit: 'sat',
  amount: 8,
  proofs: [{ id: '00', amount: 8, secret: 'a', C: '02' }],
};

test('what a payer is told is the session that was offered, whoever tells it and however often', () => {
  const offer = offerSession(token, 60_000, 1_000);
  const tell = createSessionTeller();
  for (const teller of [tell, tell, createSessionTeller()]) {
    assert.equal(hashOfSession(teller(token, { ...offer }, 1_000).id.reveal()), offer.idHash);
    assert.equal(hashOfSession(teller(token, offer, 1_000).id.reveal()), offer.idHash);
  }
  assert.deepEqual(
    [1_000, 1_001, 60_999].map((nowMs) => tell(token, offer, nowMs).maxAgeSeconds),
    [60, 60, 1],
  );
});

test('another grant is another session', () => {
  const tell = createSessionTeller();
  const ids = [1, 2].map(() => tell(token, offerSession(token, 60_000, 1_000), 1_000).id.reveal());
  assert.notEqual(ids[0], ids[1]);
});

test('no id is remembered for longer than a second', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const tell = createSessionTeller();
  const offer = offerSession(token, 60_000, 1_000);
  const first = tell(token, offer, 1_000).id;
  t.mock.timers.tick(999);
  assert.equal(tell(token, offer, 1_000).id, first);
  t.mock.timers.tick(1);
  const again = tell(token, offer, 1_000).id;
  assert.notEqual(again, first);
  assert.equal(again.reveal(), first.reveal());
});
