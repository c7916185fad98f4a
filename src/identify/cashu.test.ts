import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Credential } from '../core/credential.ts';
import { refusalKinds, refuse } from '../core/refusal.ts';
import type { AuthRequest } from '../core/request.ts';
import { createCashuIdentifier, type ReadToken } from './cashu.ts';

const request = { clientIp: '203.0.113.7' } as AuthRequest;
const credential: Credential = { kind: 'cashu', value: 'cashuB…', header: 'x-cashu' };
const token = { mint: 'https://mint.example', unit: 'sat', amount: 1, proofs: [] };

const identify = (read: ReadToken, isOpen = true) => {
  const failures: string[] = [];
  const throttle = { isOpen: () => isOpen, recordFailure: (source: string) => failures.push(source) };
  return { failures, outcome: createCashuIdentifier(read, throttle)(request, credential, 'enforce') };
};

for (const isOpen of [true, false]) {
  test(`a token that can be read is a payer without a name${isOpen ? '' : ', also where many bad ones came from'}`, async () => {
    const { failures, outcome } = identify(async () => token, isOpen);
    assert.deepEqual(await outcome, {
      outcome: 'identified',
      identity: { method: 'cashu', subject: '', scopes: [], roles: [], claims: {}, token },
    });
    assert.deepEqual(failures, []);
  });
}

test('a token that cannot be read is rejected, and counts against its source', async () => {
  const bad = refuse('malformed_payment', 'no');
  const { failures, outcome } = identify(async () => bad);
  assert.deepEqual(await outcome, { outcome: 'rejected', refusal: bad });
  assert.deepEqual(failures, ['203.0.113.7']);
  const held = await identify(async () => bad, false).outcome;
  assert.equal(held.outcome === 'rejected' && held.refusal.code, 'too_many_failures');
});

test('a mint that cannot be asked is 503 with Retry-After, counts against nobody, and is no secret to the log alone', async () => {
  const cause = new Error('ECONNREFUSED');
  const { failures, outcome } = identify(async () => {
    throw cause;
  });
  const identified = await outcome;
  assert.ok(identified.outcome === 'rejected');
  const { code, headers, detail } = identified.refusal;
  assert.equal(refusalKinds[code].status, 503);
  assert.equal(headers?.['Retry-After'], '5');
  assert.ok(!detail.includes('ECONNREFUSED'));
  assert.equal(identified.refusal.cause, cause);
  assert.deepEqual(failures, []);
});
