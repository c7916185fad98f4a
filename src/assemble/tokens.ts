/** Tokens of credentials that are asked for: how each is asked, where it is kept, and who is told. */
import { setTimeout as delay } from 'node:timers/promises';
import type { AuthConfig } from '../config/check-credentials.ts';
import type { Config } from '../config/config.ts';
import { ownSealing, tokenSecretOf } from '../config/credential-notices.ts';
import { readEncryptionKey } from '../config/encryption-key.ts';
import { isPrivateKey, readServiceAccount, readSigningKey } from '../config/signing-key.ts';
import { Secret } from '../core/secret.ts';
import type { Credential } from '../egress/credential.ts';
import { createOauthToken } from '../egress/credentials/oauth-token.ts';
import type { VersionOf } from '../egress/credentials/version.ts';
import { clientCredentials } from '../egress/tokens/client-credentials.ts';
import type { Grant } from '../egress/tokens/grant.ts';
import { jwtBearer } from '../egress/tokens/jwt-bearer.ts';
import { refreshToken } from '../egress/tokens/refresh-token.ts';
import type { TokenCells } from '../egress/tokens/token-cell.ts';
import { createTokenKey } from '../egress/tokens/token-key.ts';
import { createTokenSource } from '../egress/tokens/token-source.ts';
import { createOutbound } from '../stores/outbound/exchange.ts';
import { refusedFor } from '../stores/outbound/target-guard.ts';
import type { RedisTokens } from '../stores/tokens/redis-tokens.ts';
import { createTokenEndpoint } from '../stores/tokens/token-endpoint.ts';
import { redisTarget } from './shared.ts';

export type TokenAuth = Extract<AuthConfig, { token_url: string }>;

/** What becomes of the tokens of a target, for metrics and the log. No secret is in `error`. */
export type CredentialEvents = Readonly<{
  /** A provider was asked for a token. */
  onRefresh(target: string, outcome: 'ok' | 'error', error?: unknown): void;
  /** A call got a token that was there. */
  onCacheHit(target: string): void;
  /** Redis is away: each replica asks for tokens of its own. */
  onStoreLost(reason: string): void;
  onStoreBack(): void;
}>;

export type TokenParts = Readonly<{
  now: () => number;
  cells: TokenCells;
  /** Of this process, for what no other sees. */
  ownKey: Uint8Array;
  versionOf: VersionOf;
  events: CredentialEvents;
}>;

export type Tokens = Readonly<{
  create(auth: TokenAuth, target: Readonly<{ name: string; allowPrivate: boolean }>): Credential;
  /** What is wrong with the Redis that keeps tokens; left out where there is none. */
  problem?: () => string | undefined;
  close(): Promise<void>;
}>;

const secretIn = (value: unknown): Secret => {
  if (value instanceof Secret) return value;
  throw new Error('a secret is missing, or still in Vault');
};

const textIn = (value: unknown): string => secretIn(value).reveal();

const signingKey = (text: string) => {
  const key = readSigningKey(text);
  if (!key) throw new Error('not a private key that signs for an account');
  return key;
};

const accountOf = (auth: Extract<TokenAuth, { type: 'gcp_service_account' }>) => {
  if (auth.credentials === undefined)
    return { email: textIn(auth.client_email), key: signingKey(textIn(auth.private_key)), keyId: undefined };
  const account = readServiceAccount(textIn(auth.credentials));
  if (!account) throw new Error('not the key file of a service account');
  return account;
};

/** How it is asked for, and everything that makes its token another. */
const grantOf = (auth: TokenAuth, now: () => number): Readonly<{ grant: Grant; parts: readonly string[] }> => {
  const { token_url: url, scopes } = auth;
  switch (auth.type) {
    case 'oauth2_client_credentials': {
      const [id, secret] = [secretIn(auth.client_id), secretIn(auth.client_secret)];
      const { audience } = auth;
      const grant = isPrivateKey(secret.reveal())
        ? jwtBearer({ url, issuer: id, key: signingKey(secret.reveal()), keyId: undefined, scopes, now })
        : clientCredentials({ url, client: { id, secret, auth: auth.client_auth }, scopes, audience });
      return { grant, parts: [id.reveal(), secret.reveal(), auth.client_auth, audience ?? ''] };
    }
    case 'oauth2_refresh_token': {
      const [id, first] = [secretIn(auth.client_id), secretIn(auth.refresh_token)];
      const secret = auth.client_secret === undefined ? undefined : secretIn(auth.client_secret);
      const grant = refreshToken({ url, client: { id, secret, auth: auth.client_auth }, refreshToken: first, scopes });
      return { grant, parts: [id.reveal(), secret?.reveal() ?? '', auth.client_auth, first.reveal()] };
    }
    case 'gcp_service_account': {
      const { email, key, keyId } = accountOf(auth);
      const grant = jwtBearer({ url, issuer: new Secret(email), key, keyId, scopes, now });
      return { grant, parts: [email, tokenSecretOf(auth) ?? ''] };
    }
  }
};

/** Redis is loaded only where tokens are kept there. */
const openStore = async (
  { egress, redis }: Config,
  { onStoreLost: onLost, onStoreBack: onBack }: CredentialEvents,
): Promise<RedisTokens | undefined> => {
  const target = egress?.token_store.redis ?? redis;
  if (egress?.token_store.type !== 'redis' || !target) return undefined;
  const { openRedisTokens } = await import('../stores/tokens/redis-tokens.ts');
  return openRedisTokens({ target: redisTarget(target), onLost, onBack });
};

/** For tokens that were asked for before the end. */
const LAST_ANSWERS_MS = 2_000;

const pause = (ms: number): Promise<void> => delay(ms, undefined, { ref: false });

export const assembleTokens = async (config: Config, parts: TokenParts): Promise<Tokens> => {
  const { now, cells, ownKey, versionOf, events } = parts;
  const { egress } = config;
  const store = await openStore(config, events);
  const outbounds = new Map(
    [true, false].map((isPrivate) => [isPrivate, createOutbound(undefined, refusedFor(isPrivate))]),
  );
  const held: ReturnType<TokenCells['hold']>[] = [];
  const key = egress?.token_store.encryption_key;
  const encryptionKey = key instanceof Secret ? readEncryptionKey(key.reveal()) : undefined;

  return {
    create(auth, { name, allowPrivate }) {
      const outbound = outbounds.get(allowPrivate);
      if (!outbound) throw new Error('unreachable: both kinds are there');
      const { grant, parts: secrets } = grantOf(auth, now);
      const material = store && (encryptionKey ?? ownSealing(tokenSecretOf(auth) ?? ''));
      const identity = [name, auth.type, auth.token_url, ...secrets, ...auth.scopes];
      const tokenKey = createTokenKey(material ?? ownKey, identity);
      const holding = cells.hold(tokenKey.id);
      held.push(holding);
      const { cell } = holding;
      const source = createTokenSource({
        cell,
        grant,
        ask: createTokenEndpoint(outbound),
        shelf: material === undefined ? undefined : store?.shelf(tokenKey),
        now,
        pause,
        random: Math.random,
        refreshBeforeMs: auth.refresh_before_expiry,
        events: {
          onRefresh: (outcome, error) => events.onRefresh(name, outcome, error),
          onCacheHit: () => events.onCacheHit(name),
        },
      });
      return createOauthToken(auth.type, versionOf(...identity), source);
    },

    ...(store && { problem: store.problem }),

    async close() {
      const flights = held.map(({ cell }) => cell.flight);
      for (const { release } of held) release();
      // The next generation may wait for a token that this one asked for.
      await Promise.race([Promise.allSettled(flights), pause(LAST_ANSWERS_MS)]);
      store?.close();
      for (const outbound of outbounds.values()) outbound.close();
    },
  };
};
