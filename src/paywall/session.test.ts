import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CashuToken } from '../core/payment.ts';
import { createSessions, hashOfSession } from './session.ts';

const token: CashuToken = {
  mint: 'https://mint.example',
  unit: 'sat',
  amount: 8,
  proofs: [{ id: '00', amount: 8, secret: 'a', C: '02' }],
};

test('what a payer is told is the session that was offered, whoever tells it and however often', () => {
  const sessions = createSessions();
  const offer = sessions.offer(token, 60_000, 1_000);
  for (const { tell } of [sessions, sessions, createSessions()]) {
    assert.equal(hashOfSession(tell(token, { ...offer }, 1_000).id.reveal()), offer.idHash);
  }
  assert.deepEqual(
    [1_000, 1_001, 60_999].map((nowMs) => sessions.tell(token, offer, nowMs).maxAgeSeconds),
    [60, 60, 1],
  );
});

test('another grant is another session, also where more are offered than are remembered', () => {
  const { offer, tell } = createSessions();
  const offers = Array.from({ length: 10_001 }, () => offer(token, 60_000, 1_000));
  const ids = offers.map((grant) => tell(token, grant, 1_000).id.reveal());
  assert.equal(new Set(ids).size, offers.length);
  assert.deepEqual(
    ids.map(hashOfSession),
    offers.map(({ idHash }) => idHash),
  );
});

test('no id is remembered for longer than a second', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { offer, tell } = createSessions();
  const offered = offer(token, 60_000, 1_000);
  const first = tell(token, offered, 1_000).id;
  t.mock.timers.tick(999);
  assert.equal(tell(token, offered, 1_000).id, first);
  t.mock.timers.tick(1);
  const again = tell(token, offered, 1_000).id;
  assert.notEqual(again, first);
  assert.equal(again.reveal(), first.reveal());
});
