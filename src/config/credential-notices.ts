/** What works otherwise than a reader of the configuration might think. */
import { Secret } from '../core/secret.ts';
import { type AuthConfig, credentialsOf } from './check-credentials.ts';
import type { Config } from './config.ts';
import { formatPath } from './path.ts';
import { isPrivateKey } from './signing-key.ts';

const isTokenKind = (auth: AuthConfig): boolean => 'token_url' in auth;

const SHORTEST_SEALING = 16;

/**
 * What seals the tokens of a credential where no `encryption_key` does: its own secret, which every replica has. Undefined
 * where that is so short that whoever reads Redis could guess it.
 */
export const ownSealing = (secret: string): string | undefined =>
  secret.length >= SHORTEST_SEALING ? secret : undefined;

/** The secret that the tokens of this credential depend on; undefined for other kinds, and for what is still in Vault. */
export const tokenSecretOf = (auth: AuthConfig): string | undefined => {
  const text = (value: unknown): string | undefined => (value instanceof Secret ? value.reveal() : undefined);
  switch (auth.type) {
    case 'oauth2_client_credentials':
      return text(auth.client_secret);
    case 'oauth2_refresh_token':
      return text(auth.refresh_token);
    case 'gcp_service_account':
      return text(auth.credentials) ?? text(auth.private_key);
    case 'none':
    case 'mtls':
    case 'bearer':
    case 'basic':
    case 'api_key':
    case 'aws_sigv4':
      return undefined;
  }
};

const kept = 'a refresh token that the provider replaces is kept in the memory of this process, and lost at its end';
const keptByEach =
  'a refresh token that the provider replaces is known to one worker alone, and no longer good for the others';

const noticesOf = (auth: AuthConfig, { egress, workers }: Config): string[] => {
  const secret = tokenSecretOf(auth);
  if (!isTokenKind(auth) || secret === undefined) return [];
  const { type, encryption_key } = egress?.token_store ?? {};
  const isAssertion = auth.type === 'oauth2_client_credentials' && isPrivateKey(secret);
  const isShort = type === 'redis' && encryption_key === undefined && ownSealing(secret) === undefined;
  const isLost = auth.type === 'oauth2_refresh_token' && (type === 'memory' || isShort);
  return [
    ...(isAssertion ? ['client_secret is a private key, so tokens are asked for by a signed JWT (RFC 7523)'] : []),
    ...(isShort
      ? ['the secret is too short to seal tokens in Redis: they stay in memory without an encryption_key']
      : []),
    ...(isLost ? [`${workers > 1 ? keptByEach : kept}: use token_store.type redis`] : []),
  ];
};

export const credentialNotices = (config: Config): string[] =>
  Object.entries(config.egress?.enabled ? config.egress.targets : {}).flatMap(([name, target]) =>
    credentialsOf(target, ['egress', 'targets', name]).flatMap(({ auth, path }) =>
      noticesOf(auth, config).map((notice) => `${formatPath(path)}: ${notice}`),
    ),
  );
