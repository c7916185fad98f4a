import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '../../core/secret.ts';
import type { VaultToken } from './login.ts';
import { createVaultSession } from './session.ts';

test('a login that comes when nobody asks any more is given back, and the end waits for it', async () => {
  const { promise, resolve } = Promise.withResolvers<VaultToken>();
  const revoked: (string | undefined)[] = [];
  const session = createVaultSession({
    async call(_method, path, sent) {
      assert.equal(path, 'auth/token/revoke-self');
      revoked.push(sent?.token?.reveal());
      return { status: 204, body: undefined };
    },
    logIn: () => promise,
    isGiven: false,
    now: () => 0,
  });
  const asked = assert.rejects(session.token(), /not asked any more/);
  const closed = session.close();
  resolve({ value: new Secret('late'), leaseMs: 60_000, isRenewable: true });
  await Promise.all([asked, closed]);
  assert.deepEqual(revoked, ['late']);
});

test('a renewal that ends after its token was dropped does not bring it back', async () => {
  const renewal = Promise.withResolvers<{ status: number; body: unknown }>();
  const tokens = ['first', 'second'].map((text) => new Secret(text));
  let nowMs = 0;
  const session = createVaultSession({
    call: async (_method, path) =>
      path === 'auth/token/renew-self' ? renewal.promise : { status: 403, body: undefined },
    logIn: async () => ({ value: tokens.shift() ?? assert.fail(), leaseMs: 60_000, isRenewable: true }),
    isGiven: false,
    now: () => nowMs,
  });
  const first = await session.token();
  nowMs = 50_000;
  const renewed = session.keepAlive();
  await session.refused(first);
  assert.equal((await session.token()).reveal(), 'second');
  renewal.resolve({ status: 200, body: { auth: { client_token: 'first', lease_duration: 60, renewable: true } } });
  await renewed;
  assert.equal((await session.token()).reveal(), 'second');
});
