import type { Credential } from '../credential.ts';
import type { TokenSource } from '../tokens/token-source.ts';

/** A bearer token that is asked for, kept and renewed. */
export const createOauthToken = (kind: string, version: string, source: TokenSource): Credential => ({
  kind,
  version,
  headerNames: ['authorization'],
  queryNames: [],
  body: 'streamed',
  dress: () => source.dress(),
  renew: (used) => source.renew(used),
});
