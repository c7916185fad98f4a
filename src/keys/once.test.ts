import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '../core/secret.ts';
import { createRepeats, type Repeatable } from './once.ts';

const repeats = createRepeats(new Secret('admin token'), () => 1_000);
const call: Repeatable = { id: 'idem-1', request: ['create key', { user_id: 'u', name: 'n' }] };

const beforeOf = ({ requestHash, sealedKey }: ReturnType<typeof repeats.toOnce>) => ({
  keyId: 'key_1',
  requestHash,
  sealedKey,
});

test('the same call is answered with the same key, for a day', () => {
  const once = repeats.toOnce(call, 'sk-secret');
  assert.equal(once.expiresAt, 1_000 + 86_400_000);
  assert.deepEqual(repeats.recall(call, beforeOf(once)), { recalled: 'key', key: 'sk-secret' });
});

test('the order of the fields says nothing; any other difference does', () => {
  const before = beforeOf(repeats.toOnce(call, 'sk-secret'));
  const reordered = { ...call, request: ['create key', { name: 'n', user_id: 'u' }] };
  assert.equal(repeats.recall(reordered, before).recalled, 'key');
  for (const request of [['create key', { user_id: 'u' }], ['rotate key', { user_id: 'u', name: 'n' }], undefined]) {
    if (request) assert.equal(repeats.recall({ ...call, request }, before).recalled, 'other');
  }
});

test('nothing that is kept shows the key or the Idempotency-Key, in any spelling', () => {
  const once = repeats.toOnce(call, 'sk-secret');
  const kept = JSON.stringify(once);
  const sealed = Buffer.from(once.sealedKey, 'base64').toString('latin1');
  for (const secret of ['sk-secret', 'idem-1', 'admin token']) {
    for (const spelling of [secret, Buffer.from(secret).toString('base64'), Buffer.from(secret).toString('hex')]) {
      assert.ok(!kept.includes(spelling) && !sealed.includes(spelling));
    }
  }
  assert.notEqual(once.sealedKey, repeats.toOnce(call, 'sk-secret').sealedKey);
});

test('without the admin token of then, or the Idempotency-Key, nobody opens it', () => {
  const before = beforeOf(repeats.toOnce(call, 'sk-secret'));
  for (const secret of [undefined, new Secret('another token')]) {
    assert.equal(createRepeats(secret, () => 0).recall(call, before).recalled, 'hidden');
  }
  assert.equal(repeats.recall({ ...call, id: 'idem-2' }, before).recalled, 'hidden');
  for (const sealedKey of ['', 'AAAA', before.sealedKey.slice(0, -8)]) {
    assert.equal(repeats.recall(call, { ...before, sealedKey }).recalled, 'hidden');
  }
  const kept = createRepeats(undefined, () => 0).toOnce(call, 'sk-secret');
  assert.equal(kept.sealedKey, '');
});
