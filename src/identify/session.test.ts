import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Account, FoundSession } from '../core/payment.ts';
import type { AuthRequest } from '../core/request.ts';
import { createSessionIdentifier } from './session.ts';

const account: Account = { id: 'pay_1', mint: 'https://mint.example', unit: 'sat' };
const request = { clientIp: '203.0.113.7' } as AuthRequest;

const identify = async (found: FoundSession | Error, isOpen = true) => {
  const failures: string[] = [];
  const find = async () => {
    if (found instanceof Error) throw found;
    return found;
  };
  const throttle = { isOpen: () => isOpen, recordFailure: (source: string) => failures.push(source) };
  const credential = { kind: 'session', value: 'id', header: 'cookie' } as const;
  const outcome = await createSessionIdentifier(find, throttle)(request, credential, 'enforce');
  return { failures, outcome, code: outcome.outcome === 'rejected' ? outcome.refusal.code : outcome.outcome };
};

test('an open session is its account, without a name', async () => {
  const { outcome } = await identify({ session: 'open', account, expiresAtMs: 1 });
  assert.deepEqual(outcome, {
    outcome: 'identified',
    identity: { method: 'session', subject: '', scopes: [], roles: [], claims: {}, account },
  });
});

for (const [session, isOpen, code, failures] of [
  ['closed', true, 'invalid_session', 0],
  ['closed', false, 'invalid_session', 0],
  ['unknown', true, 'invalid_session', 1],
  ['unknown', false, 'too_many_failures', 1],
] as const) {
  test(`a session that is ${session}, from a source that is ${isOpen ? '' : 'not '}heard: ${code}`, async () => {
    const identified = await identify({ session }, isOpen);
    assert.equal(identified.code, code);
    assert.equal(identified.failures.length, failures);
  });
}

test('a store that does not answer is 503 with Retry-After, and counts against nobody', async () => {
  const { outcome, failures } = await identify(new Error('disk I/O error'));
  assert.ok(outcome.outcome === 'rejected');
  assert.equal(outcome.refusal.code, 'store_unavailable');
  assert.equal(outcome.refusal.headers?.['Retry-After'], '1');
  assert.ok(!outcome.refusal.detail.includes('disk'));
  assert.deepEqual(failures, []);
});
