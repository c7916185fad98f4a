import { createPublicKey } from 'node:crypto';
import { Secret } from '../core/secret.ts';
import type { Config, IssuerConfig } from './config.ts';
import type { Finding } from './finding.ts';
import type { Path } from './path.ts';
import { standIn } from './read/variable.ts';
import type { SecretValue } from './reference.ts';
import { repeated } from './repeated.ts';
import { isSymmetric } from './schema/jwt.ts';

export const checkIssuers = ({ jwt: { issuers } }: Config): Finding[] => {
  const at = (index: number): Path => ['jwt', 'issuers', index];
  return [
    ...repeated(
      issuers.map(({ name }, index) => ({ word: name, path: [...at(index), 'name'] })),
      'name',
    ),
    ...repeated(
      issuers.map(({ issuer }, index) => ({ word: issuer, path: [...at(index), 'issuer'] })),
      'issuer',
    ),
    ...issuers.flatMap((issuer, index) => [
      ...checkSource(issuer, at(index)),
      ...checkAlgorithms(issuer, at(index)),
      ...checkSecret(issuer.secret, [...at(index), 'secret']),
      ...checkPublicKey(issuer.public_key, [...at(index), 'public_key']),
      ...checkDiscovery(issuer, [...at(index), 'issuer']),
    ]),
  ];
};

const sources = ['jwks_url', 'discovery', 'public_key', 'secret'] as const;

const checkSource = (issuer: IssuerConfig, path: Path): Finding[] => {
  const given = sources.filter((source) => issuer[source] !== undefined);
  if (given.length === 1) return [];
  const message = given.length === 0 ? 'no source of keys' : `more than one source of keys: ${given.join(', ')}`;
  return [{ path, message, expected: `exactly one of ${sources.join(', ')}`, reads: [path] }];
};

/** One list for both kinds would let a token be "signed" with a public key as its shared secret. */
const checkAlgorithms = ({ algorithms, secret }: IssuerConfig, path: Path): Finding[] =>
  algorithms.flatMap((algorithm, index): Finding[] => {
    if (isSymmetric(algorithm) === (secret !== undefined)) return [];
    const expected = secret ? 'HS256, HS384 or HS512 with secret' : 'no HS algorithm without secret';
    return [
      {
        path: [...path, 'algorithms', index],
        message: 'does not fit the source of keys',
        shows: 'value',
        expected,
        reads: [path],
      },
    ];
  });

/** RFC 7518 section 3.2: a shared secret is at least as long as its hash. */
export const checkSecret = (secret: SecretValue | undefined, path: Path): Finding[] =>
  secret instanceof Secret && Buffer.byteLength(secret.reveal()) < 32
    ? [{ path, message: 'too short', expected: 'at least 32 bytes', hint: 'make one with: openssl rand -base64 32' }]
    : [];

export const checkPublicKey = (public_key: string | undefined, path: Path): Finding[] => {
  if (public_key === undefined || public_key === standIn) return [];
  if (public_key.includes('PRIVATE KEY')) return [{ path, message: 'a private key', expected: 'the public key' }];
  try {
    createPublicKey(public_key);
    return [];
  } catch {
    return [{ path, message: 'not a key', expected: 'a public key or certificate in PEM' }];
  }
};

const checkDiscovery = ({ discovery, issuer }: IssuerConfig, path: Path): Finding[] =>
  discovery && !/^https?:\/\//.test(issuer)
    ? [{ path, message: 'not a URL', expected: 'the URL that discovery begins at', shows: 'value' }]
    : [];
