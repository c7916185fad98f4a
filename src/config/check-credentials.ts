import { canonicalHeader } from '../core/header-names.ts';
import { isHeaderText } from '../core/header-text.ts';
import { Secret } from '../core/secret.ts';
import type { Config } from './config.ts';
import { readEncryptionKey } from './encryption-key.ts';
import type { Finding } from './finding.ts';
import type { Path } from './path.ts';
import { standIn } from './read/variable.ts';
import { isPrivateKey, readServiceAccount, readSigningKey } from './signing-key.ts';

type Target = NonNullable<Config['egress']>['targets'][string];
export type AuthConfig = Target['credentials'][number];
type Placed = Readonly<{ auth: AuthConfig; path: Path }>;

/** Undefined where the secret is not here: in Vault, or left out while a file is checked without its environment. */
const textOf = (value: unknown): string | undefined => {
  const text = value instanceof Secret ? value.reveal() : undefined;
  return text === standIn ? undefined : text;
};

/** Whichever way they are written. */
export const credentialsOf = (target: Target, path: Path): Placed[] => [
  ...(target.auth ? [{ auth: target.auth, path: [...path, 'auth'] }] : []),
  ...target.credentials.map((auth, index) => ({ auth, path: [...path, 'credentials', index] })),
];

const signed = ['authorization', 'x-amz-date', 'x-amz-content-sha256', 'x-amz-security-token'];

/** Every header that a credential sets. */
export const headersOf = (auth: AuthConfig): readonly string[] => {
  switch (auth.type) {
    case 'none':
    case 'mtls':
      return [];
    case 'api_key':
      return auth.header === undefined ? [] : [auth.header];
    case 'aws_sigv4':
      return signed;
    case 'bearer':
    case 'basic':
    case 'oauth2_client_credentials':
    case 'oauth2_refresh_token':
    case 'gcp_service_account':
      return ['authorization'];
  }
};

const cannotCarry = (value: unknown, path: Path): Finding[] => {
  const text = textOf(value);
  if (text === undefined || isHeaderText(text)) return [];
  const expected = 'visible ASCII characters, with spaces at most inside';
  return [{ path, message: 'has characters that a header cannot carry', expected }];
};

const noKey = (path: Path): Finding => ({
  path,
  message: 'not a private key that signs for an account',
  expected: 'an RSA key of 2048 bits or more, in PEM and without a passphrase',
});

type Of<Type extends AuthConfig['type']> = Extract<AuthConfig, { type: Type }>;

const checkAssertion = ({ client_secret, audience }: Of<'oauth2_client_credentials'>, path: Path): Finding[] => {
  const text = textOf(client_secret);
  if (text === undefined || !isPrivateKey(text)) return [];
  return [
    ...(readSigningKey(text) ? [] : [noKey([...path, 'client_secret'])]),
    ...(audience === undefined
      ? []
      : [{ path: [...path, 'audience'], message: 'an audience beside a private key, which asks for scopes alone' }]),
  ];
};

const checkAccount = ({ credentials, private_key }: Of<'gcp_service_account'>, path: Path): Finding[] => {
  const [file, pem] = [textOf(credentials), textOf(private_key)];
  if (pem !== undefined && !readSigningKey(pem)) return [noKey([...path, 'private_key'])];
  if (file === undefined || readServiceAccount(file)) return [];
  const expected = 'the JSON with client_email and an RSA private_key, as Google gives it';
  return [{ path: [...path, 'credentials'], message: 'not the key file of a service account', expected }];
};

const checkSecret = ({ auth, path }: Placed): Finding[] => {
  switch (auth.type) {
    case 'bearer':
      return cannotCarry(auth.token, [...path, 'token']);
    case 'api_key':
      return auth.header === undefined ? [] : cannotCarry(auth.key, [...path, 'key']);
    case 'basic':
      return textOf(auth.username)?.includes(':')
        ? [{ path: [...path, 'username'], message: 'a user name of basic authentication has no colon' }]
        : [];
    case 'oauth2_client_credentials':
      return checkAssertion(auth, path);
    case 'gcp_service_account':
      return checkAccount(auth, path);
    case 'aws_sigv4':
      return [
        ...cannotCarry(auth.access_key_id, [...path, 'access_key_id']),
        ...cannotCarry(auth.session_token, [...path, 'session_token']),
      ];
    case 'none':
    case 'mtls':
    case 'oauth2_refresh_token':
      return [];
  }
};

const parametersOf = (auth: AuthConfig): readonly string[] =>
  auth.type === 'api_key' && auth.query !== undefined ? [auth.query] : [];

const shared = (placed: readonly Placed[], what: string, namesOf: (auth: AuthConfig) => readonly string[]): Finding[] =>
  placed.flatMap(({ auth, path }, index): Finding[] => {
    const names = namesOf(auth);
    const before = placed.slice(0, index).find((other) => namesOf(other.auth).some((name) => names.includes(name)));
    return before
      ? [{ path, message: `sets the same ${what} as`, refersTo: before.path, reads: [path, before.path] }]
      : [];
  });

/** Two that set the same header would overwrite each other. */
const checkTogether = (placed: readonly Placed[]): Finding[] => [
  ...shared(placed, 'header', (auth) => headersOf(auth).map(canonicalHeader)),
  ...shared(placed, 'query parameter', parametersOf),
];

const checkTokenStore = ({ token_store: { encryption_key } }: NonNullable<Config['egress']>): Finding[] => {
  const text = textOf(encryption_key);
  if (text === undefined || readEncryptionKey(text)) return [];
  return [
    {
      path: ['egress', 'token_store', 'encryption_key'],
      message: 'not a random key',
      expected: 'at least 32 random bytes in base64 or hex',
      hint: 'make one with: openssl rand -base64 32',
    },
  ];
};

/** What is wrong with the credentials of egress, as far as their secrets are known. */
export const checkCredentials = ({ egress }: Config): Finding[] =>
  egress
    ? [
        ...checkTokenStore(egress),
        ...Object.entries(egress.targets).flatMap(([name, target]) => {
          const placed = credentialsOf(target, ['egress', 'targets', name]);
          return [...placed.flatMap(checkSecret), ...checkTogether(placed)];
        }),
      ]
    : [];
