/** What is put on the calls of each target. */
import { randomBytes } from 'node:crypto';
import { type AuthConfig, checkCredentials, credentialsOf } from './config/check-credentials.ts';
import type { Config } from './config/config.ts';
import { readEncryptionKey } from './config/encryption-key.ts';
import { formatPath } from './config/path.ts';
import { Secret } from './core/secret.ts';
import { type Credential, CredentialUnavailable } from './egress/credential.ts';
import { createApiKey } from './egress/credentials/api-key.ts';
import { createBasic } from './egress/credentials/basic.ts';
import { createBearer } from './egress/credentials/bearer.ts';
import { createMtls } from './egress/credentials/mtls.ts';
import { bindTo } from './egress/credentials/reach.ts';
import { createVersionOf, type VersionOf } from './egress/credentials/version.ts';

/** What outlives a reload: versions stay the same while secrets do. */
export type CredentialMemory = Readonly<{ versionKey: Buffer }>;

/** One for a process, made before the first generation of its configuration. */
export const createCredentialMemory = (): CredentialMemory => ({ versionKey: randomBytes(32) });

export type CredentialParts = Readonly<{
  now: () => number;
  memory: CredentialMemory;
}>;

export type Credentials = Readonly<{
  /** Of the target of this name; none for a target that has none. */
  of(target: string): readonly Credential[];
  close(): void;
}>;

type Egress = NonNullable<Config['egress']>;
type Made = Readonly<{ target: Egress['targets'][string]; versionOf: VersionOf }>;

const revealed = (value: unknown): Secret => {
  if (value instanceof Secret) return value;
  throw new Error('a secret is still in Vault');
};

const place = ({ header, query = '' }: { header?: string | undefined; query?: string | undefined }) =>
  header === undefined ? { query } : { header };

const create = (auth: AuthConfig, { target, versionOf }: Made): Credential | undefined => {
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
    case 'aws_sigv4':
      return {
        kind: auth.type,
        version: '',
        headerNames: ['authorization'],
        queryNames: [],
        body: 'streamed',
        dress: () => {
          throw new CredentialUnavailable(`${auth.type} is not available yet`);
        },
      };
  }
};

/** What loading could not see, for the secrets were in Vault then. */
const refuseUnfit = (config: Config): void => {
  const [finding] = checkCredentials(config);
  if (finding) throw new Error(`${formatPath(finding.path)}: ${finding.message}`);
};

/** Throws where a secret does not fit its kind, and says which. */
export const assembleCredentials = async (config: Config, parts: CredentialParts): Promise<Credentials> => {
  refuseUnfit(config);
  const { targets = {}, token_store } = config.egress ?? {};
  const key = token_store?.encryption_key;
  const sealing = key instanceof Secret ? readEncryptionKey(key.reveal()) : undefined;
  const versionOf = createVersionOf(sealing ?? parts.memory.versionKey);
  const made = new Map<string, readonly Credential[]>();
  for (const [name, target] of Object.entries(targets)) {
    const credentials = credentialsOf(target, []).flatMap(({ auth }) => {
      const credential = create(auth, { target, versionOf });
      if (!credential || auth.type === 'none') return [];
      const { path_prefix: pathPrefix, methods } = auth.only ?? {};
      return [bindTo({ url: target.url, pathPrefix, methods }, credential)];
    });
    made.set(name, credentials);
  }
  return { of: (target) => made.get(target) ?? [], close: () => undefined };
};
