/** What is put on the calls of each target. */
import { hkdfSync, randomBytes } from 'node:crypto';
import { type AuthConfig, checkCredentials, credentialsOf } from '../config/check-credentials.ts';
import type { Config } from '../config/config.ts';
import { readEncryptionKey } from '../config/encryption-key.ts';
import { formatPath } from '../config/path.ts';
import { Secret } from '../core/secret.ts';
import type { Credential } from '../egress/credential.ts';
import { createApiKey } from '../egress/credentials/api-key.ts';
import { createBasic } from '../egress/credentials/basic.ts';
import { createBearer } from '../egress/credentials/bearer.ts';
import { createMtls } from '../egress/credentials/mtls.ts';
import { bindTo } from '../egress/credentials/reach.ts';
import { createVersionOf, type VersionOf } from '../egress/credentials/version.ts';
import { createTokenCells, type TokenCells } from '../egress/tokens/token-cell.ts';
import { assembleTokens, type CredentialEvents, type Tokens } from './tokens.ts';

/** What outlives a reload: tokens whose credentials stay, and versions, which are the same while secrets are. */
export type CredentialMemory = Readonly<{ key: Buffer; cells: TokenCells }>;

/** One for a process, made before the first generation of its configuration. */
export const createCredentialMemory = (): CredentialMemory => ({ key: randomBytes(32), cells: createTokenCells() });

export type CredentialParts = Readonly<{
  now: () => number;
  memory: CredentialMemory;
  events: CredentialEvents;
}>;

export type Credentials = Readonly<{
  /** Of the target of this name; none for a target that has none. */
  of(target: string): readonly Credential[];
  /** What is wrong with the Redis that keeps tokens; left out where there is none. */
  problem?: () => string | undefined;
  /** After the last call of this generation. Tokens that the next one does not use are forgotten. */
  close(): Promise<void>;
}>;

type Target = NonNullable<Config['egress']>['targets'][string];
type Made = Readonly<{ name: string; target: Target; versionOf: VersionOf; tokens: Tokens; sign: Sign }>;

const revealed = (value: unknown): Secret => {
  if (value instanceof Secret) return value;
  throw new Error('a secret is still in Vault');
};

type Sign = (auth: Extract<AuthConfig, { type: 'aws_sigv4' }>, target: Target) => Credential;

/** The signer is loaded only where a target signs. */
const assembleSigning = async (targets: readonly Target[], now: () => number, versionOf: VersionOf): Promise<Sign> => {
  const signs = targets.some((target) => credentialsOf(target, []).some(({ auth }) => auth.type === 'aws_sigv4'));
  const createAwsSigV4 = signs && (await import('../egress/credentials/aws-sigv4.ts')).createAwsSigV4;
  return (auth, { url }) => {
    if (!createAwsSigV4) throw new Error('unreachable: no target signs');
    return createAwsSigV4({
      keys: {
        accessKeyId: revealed(auth.access_key_id),
        secretAccessKey: revealed(auth.secret_access_key),
        sessionToken: auth.session_token === undefined ? undefined : revealed(auth.session_token),
        region: auth.region,
        service: auth.service,
      },
      isSecure: new URL(url).protocol === 'https:',
      mostBodyBytes: auth.max_signed_body,
      now,
      versionOf,
    });
  };
};

const place = ({ header, query = '' }: { header?: string | undefined; query?: string | undefined }) =>
  header === undefined ? { query } : { header };

const create = (auth: AuthConfig, { name, target, versionOf, tokens, sign }: Made): Credential | undefined => {
  switch (auth.type) {
    case 'none':
      return undefined;
    case 'bearer':
      return createBearer(revealed(auth.token), versionOf);
    case 'basic':
      return createBasic(revealed(auth.username), revealed(auth.password), versionOf);
    case 'api_key':
      return createApiKey(place(auth), revealed(auth.key), versionOf);
    case 'mtls':
      return createMtls(target.tls?.client_cert ?? '', versionOf);
    case 'oauth2_client_credentials':
    case 'oauth2_refresh_token':
    case 'gcp_service_account':
      return tokens.create(auth, { name, allowPrivate: target.allow_private === true });
    case 'aws_sigv4':
      return sign(auth, target);
  }
};

const signedLast = (one: { auth: AuthConfig }, other: { auth: AuthConfig }): number =>
  Number(one.auth.type === 'aws_sigv4') - Number(other.auth.type === 'aws_sigv4');

/** What loading could not see, for the secrets were in Vault then. */
const refuseUnfit = (config: Config): void => {
  const [finding] = checkCredentials(config);
  if (finding) throw new Error(`${formatPath(finding.path)}: ${finding.message}`);
};

/** Throws where a secret does not fit its kind, and says which. */
export const assembleCredentials = async (config: Config, parts: CredentialParts): Promise<Credentials> => {
  refuseUnfit(config);
  const { now, memory, events } = parts;
  const { targets = {}, token_store } = config.egress ?? {};
  const key = token_store?.encryption_key;
  const sealing = key instanceof Secret ? readEncryptionKey(key.reveal()) : undefined;
  const versionKey = hkdfSync('sha256', sealing ?? memory.key, '', 'sallyport egress version', 32);
  const versionOf = createVersionOf(Buffer.from(versionKey));
  const sign = await assembleSigning(Object.values(targets), now, versionOf);
  const tokens = await assembleTokens(config, { now, cells: memory.cells, ownKey: memory.key, versionOf, events });
  const createAll = ([name, target]: [string, Target]): [string, readonly Credential[]] => [
    name,
    // What is signed must not change afterwards.
    credentialsOf(target, [])
      .toSorted(signedLast)
      .flatMap(({ auth }) => {
        const credential = create(auth, { name, target, versionOf, tokens, sign });
        if (!credential || auth.type === 'none') return [];
        const { path_prefix: pathPrefix, methods } = auth.only ?? {};
        return [bindTo({ url: target.url, pathPrefix, methods }, credential)];
      }),
  ];
  try {
    const made = new Map(Object.entries(targets).map(createAll));
    const { problem, close } = tokens;
    return { of: (target) => made.get(target) ?? [], ...(problem && { problem }), close };
  } catch (error) {
    await tokens.close();
    throw error;
  }
};
