import type { Secret } from '../../core/secret.ts';
import type { Credential } from '../credential.ts';
import { dressing } from './dressing.ts';
import { fixedCredential } from './fixed.ts';
import type { VersionOf } from './version.ts';

/** Where a key goes: into a header, or into a parameter of the query. */
export type KeyPlace = Readonly<{ header: string } | { query: string }>;

export const createApiKey = (place: KeyPlace, key: Secret, versionOf: VersionOf): Credential => {
  const text = key.reveal();
  if ('header' in place) {
    const { header } = place;
    return fixedCredential(
      { kind: 'api_key', version: versionOf('api_key', 'header', header, text), headerNames: [header.toLowerCase()] },
      dressing([header, text]),
    );
  }
  const { query } = place;
  return fixedCredential(
    { kind: 'api_key', version: versionOf('api_key', 'query', query, text), queryNames: [query] },
    dressing([], `${encodeURIComponent(query)}=${encodeURIComponent(text)}`),
  );
};
