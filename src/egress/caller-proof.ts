/**
 * Which JWT or API key a caller shows us. `Proxy-Authorization` is always meant for us; `Authorization` and `X-API-Key` are where
 * the callers of the target are told by such a credential, and else the target's own affair.
 */
import { type Credential, readCredentials } from '../core/credential.ts';
import { type Eventually, whenReady } from '../core/eventually.ts';
import type { Identification, Identity } from '../core/identity.ts';
import { bearerChallenge, isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import type { AuthRequest } from '../core/request.ts';

export type CallerRequest = Pick<AuthRequest, 'clientIp' | 'certificate' | 'header'>;

/** Verifies a JWT or an API key. `absent` where no such credential is known here. */
export type IdentifyCaller = (request: CallerRequest, credential: Credential) => Eventually<Identification>;

export type KeyPrefixes = Readonly<{ own: string; imported: readonly string[] }>;

/** `isMeant`: the credential came where nothing else can stand. */
export type Proof = Readonly<{ credential: Credential; isMeant: boolean }>;

const unrecognised = refuse('unrecognised_credential', 'Expected a JWT or an API key as Bearer ….', {
  headers: bearerChallenge(),
});

const ambiguous = refuse(
  'ambiguous_credentials',
  'More than one credential was sent. Send the one that is to be used.',
);

const read = (header: AuthRequest['header'], { own, imported }: KeyPrefixes) =>
  readCredentials({ scheme: 'http', header }, own, imported);

/** Headers that carry a caller's proof, in lower case. */
export const proofHeaders = (takesTokens: boolean): readonly string[] =>
  takesTokens ? ['proxy-authorization', 'authorization', 'x-api-key'] : ['proxy-authorization'];

/** The one credential that is shown, undefined for none. `takesTokens`: whether `Authorization` and `X-API-Key` are ours too. */
export const readProof = (
  request: CallerRequest,
  takesTokens: boolean,
  prefixes: KeyPrefixes,
): Proof | Refusal | undefined => {
  const said = request.header('proxy-authorization');
  if (said === undefined && !takesTokens) return undefined;
  const meant = said === undefined ? [] : read((name) => (name === 'authorization' ? said : undefined), prefixes);
  if (isRefusal(meant)) return meant;
  if (said !== undefined && meant.length === 0) return unrecognised;
  const own = (name: string) => (name === 'authorization' || name === 'x-api-key' ? request.header(name) : undefined);
  const beside = takesTokens ? read(own, prefixes) : [];
  if (isRefusal(beside)) return beside;
  const [first, ...others] = [...meant, ...beside];
  if (!first) return undefined;
  return others.some(({ value }) => value !== first.value)
    ? ambiguous
    : { credential: first, isMeant: meant.length > 0 };
};

/** A credential that is no good is refused, and so is one of a kind that is not known here: neither is overlooked. */
export const identifyProof = (
  request: CallerRequest,
  { credential }: Proof,
  identify: IdentifyCaller,
): Eventually<Identity | Refusal> =>
  whenReady(identify(request, credential), (found) => {
    switch (found.outcome) {
      case 'identified':
        return found.identity;
      case 'rejected':
        return found.refusal;
      case 'absent':
        return unrecognised;
    }
  });
