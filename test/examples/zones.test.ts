/** examples/zones end to end: with the sample identity provider, and with the real Keycloak. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { startRealms } from '../../examples/sample-issuer/realms.ts';
import { readRealm, realmFiles } from '../../examples/zones/zones.ts';
import { startKeycloak } from '../servers/keycloak.ts';
import { needs } from '../servers/programs.ts';

const owner = { after };
const withKeycloak = needs('keycloak');

// It takes its time; the others do not wait for it.
const keycloakStarts = withKeycloak.skip ? undefined : startKeycloak({ owner, realms: realmFiles });
keycloakStarts?.catch(() => undefined);

const sample = await startRealms(realmFiles.map(readRealm));
after(sample.stop);

/** Every way to a token that the example has, and some that lead to none. */
const grants = [
  ['users', { grant_type: 'password', client_id: 'web-app', username: 'john', password: 'secret' }],
  ['users', { grant_type: 'password', client_id: 'web-app', username: 'jane', password: 'secret' }],
  ['users', { grant_type: 'password', client_id: 'web-app', username: 'john', password: 'guessed' }],
  ['users', { grant_type: 'client_credentials', client_id: 'web-app' }],
  ...[
    ['order-service', 'order-service-secret', 'data-service:read data-service:write'],
    ['payment-service', 'payment-service-secret', 'data-service:read data-service:write-payments'],
    ['payment-service', 'payment-service-secret', 'data-service:write'],
    ['order-service', 'guessed', 'data-service:read'],
    ['nobody', 'guessed'],
    ['api-gateway', 'gateway-secret'],
  ].map(
    ([client_id = '', client_secret = '', scope]) =>
      [
        'services',
        { grant_type: 'client_credentials', client_id, client_secret, ...(scope !== undefined && { scope }) },
      ] as const,
  ),
] as const;

const sorted = (value: unknown): unknown => (Array.isArray(value) ? value.toSorted() : value);

/** What a configuration or a policy of the example looks at. */
const askFor = async (url: string, realm: string, form: Readonly<Record<string, string>>) => {
  const issuer = `${url}/realms/${realm}`;
  const place = `${issuer}/protocol/openid-connect`;
  const response = await fetch(`${place}/token`, { method: 'POST', body: new URLSearchParams(form) });
  const answer = (await response.json()) as Readonly<Record<string, unknown>>;
  if (response.status !== 200) return { status: response.status, error: answer['error'] };
  const { payload, protectedHeader } = await jwtVerify(
    String(answer['access_token']),
    createRemoteJWKSet(new URL(`${place}/certs`)),
    { issuer },
  );
  const { aud, azp, sub, email, preferred_username, exp = 0, iat = 0 } = payload;
  const access = payload['realm_access'] as { roles: string[] } | undefined;
  return {
    alg: protectedHeader.alg,
    lifetime: exp - iat,
    aud: sorted(aud),
    ...(realm === 'users' ? { sub, email, preferred_username, roles: sorted(access?.roles) } : { hasSubject: !!sub }),
    azp,
  };
};

test('the sample provider grants and refuses what Keycloak does, with the same claims', withKeycloak, async () => {
  const keycloak = (await keycloakStarts) ?? assert.fail('no Keycloak');
  const allOf = (url: string) => Promise.all(grants.map(([realm, form]) => askFor(url, realm, form)));
  assert.deepEqual(await allOf(sample.url), await allOf(keycloak.url));
});
