/** What the caller is told about a token that was not accepted. */
import { errors } from 'jose';
import { bearerChallenge, type Refusal, type RefusalCode, refuse } from '../../core/refusal.ts';

/** A header or a claim that jose has no opinion on. `message` is for the caller. */
export class UnacceptedToken extends Error {
  override name = 'UnacceptedToken';
  readonly code: TokenCode;

  constructor(code: TokenCode, message: string) {
    super(message);
    this.code = code;
  }
}

export class KeysUnavailable extends Error {
  override name = 'KeysUnavailable';
}

type TokenCode = Extract<RefusalCode, 'invalid_token' | 'expired_token'>;

/** RFC 6750 section 3: `error_description` is visible ASCII without quotation mark and backslash. */
const describable = (detail: string): string => detail.replace(/[^ !#-[\]-~]/g, '').replace(/\.$/, '');

export const rejectToken = (code: TokenCode, detail: string, cause?: unknown): Refusal =>
  refuse(code, detail, { headers: bearerChallenge('invalid_token', describable(detail)), cause });

const claimRefusal = ({ claim, reason }: errors.JWTClaimValidationFailed): Refusal =>
  claim === 'nbf' && reason === 'check_failed'
    ? rejectToken('expired_token', 'The token is not valid yet.')
    : rejectToken('invalid_token', `The claim ${claim} is missing or has the wrong value.`);

/**
 * Whatever cannot be verified is refused, and never a failure of ours: an answer of 5xx opens some proxies' gates, and a
 * token may choose an algorithm for which the key at hand throws.
 */
export const refusalFor = (error: unknown, issuer: string): Refusal => {
  if (error instanceof KeysUnavailable) {
    return refuse('keys_unavailable', `The keys of the issuer ${issuer} cannot be fetched now. Try again.`, {
      headers: { 'Retry-After': '5' },
      cause: error,
    });
  }
  if (error instanceof UnacceptedToken) return rejectToken(error.code, error.message);
  if (error instanceof errors.JWTExpired) return rejectToken('expired_token', 'The token has expired.');
  if (error instanceof errors.JWTClaimValidationFailed) return claimRefusal(error);
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return rejectToken('invalid_token', 'The signature is wrong.');
  }
  if (error instanceof errors.JWKSNoMatchingKey) {
    return rejectToken('invalid_token', 'The token is signed with an unknown key.');
  }
  if (error instanceof errors.JOSEAlgNotAllowed) {
    return rejectToken('invalid_token', 'The algorithm is not accepted here.');
  }
  if (error instanceof errors.JOSEError) return rejectToken('invalid_token', 'The token is malformed.', error);
  return rejectToken('invalid_token', 'The key does not fit the algorithm of the token.', error);
};
