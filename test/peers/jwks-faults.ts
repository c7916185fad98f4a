import type { JWK } from 'jose';
import { createKey } from '../../examples/sample-issuer/keys.ts';
import type { Fault } from './faults.ts';

/** The key set, changed by this. */
const changing =
  (change: (keys: JWK[]) => JWK[]): Fault =>
  async (act) => {
    const answer = await act();
    if (typeof answer?.body !== 'string') return answer;
    const { keys }: { keys: JWK[] } = JSON.parse(answer.body);
    return { ...answer, body: JSON.stringify({ keys: change(keys) }) };
  };

/** A key set without keys. */
export const emptyKeySet: Fault = changing(() => []);

/** Keys without `kid`. */
export const keysWithoutKid: Fault = changing((keys) => keys.map(({ kid, ...rest }) => rest));

/** Keys without `alg` and `use`, which are optional (RFC 7517). */
export const keysWithoutAlg: Fault = changing((keys) => keys.map(({ alg, use, ...rest }) => rest));

/** First a key for encryption, as Keycloak has it. */
export const encryptionKeyFirst: Fault = async (act, asked) => {
  const { jwk } = await createKey('RS256', 'encryption');
  return changing((keys) => [{ ...jwk, alg: 'RSA-OAEP', use: 'enc' }, ...keys])(act, asked);
};

/** A key set that also holds what nobody knows how to use. */
export const strangeKeys: Fault = changing((keys) => [{ kty: 'XYZ', kid: 'strange' }, { kid: 'no-kty' }, ...keys]);
