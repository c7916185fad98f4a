/** Reads what a token endpoint answers (RFC 6749 sections 5.1 and 5.2). It is believed as little as any other peer. */
import type { TokenResponse } from './grant.ts';

export type GivenToken = Readonly<{
  accessToken: string;
  lifetimeMs: number;
  /** Another than the one that was used. */
  refreshToken: string | undefined;
}>;

/** No token was given. The message is for the log; nothing that the endpoint wrote is in it but a code of RFC 6749. */
export class TokenRefused extends Error {
  override name = 'TokenRefused';
  readonly retryAfterMs: number | undefined;

  constructor(message: string, retryAfterMs?: number) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** Where the endpoint does not say how long its token lasts. */
const DEFAULT_LIFETIME_S = 300;
/** Whatever it says, a token is asked for again within a day. */
const LONGEST_LIFETIME_S = 86_400;
const LONGEST_TOKEN = 16_384;
const LONGEST_WAIT_S = 300;

/** Sections 5.2 and 4.1.2.1. */
const knownErrors: readonly unknown[] = [
  ...['invalid_request', 'invalid_client', 'invalid_grant', 'unauthorized_client', 'unsupported_grant_type'],
  ...['invalid_scope', 'access_denied', 'server_error', 'temporarily_unavailable'],
];

const members = (body: string): ReadonlyMap<string, unknown> => {
  try {
    const value: unknown = JSON.parse(body);
    return new Map(typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : []);
  } catch {
    return new Map();
  }
};

const seconds = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,6}$/.test(text) ? Math.min(Number(text), LONGEST_WAIT_S) : undefined;

const fits = (value: unknown, form: RegExp): value is string =>
  typeof value === 'string' && value.length <= LONGEST_TOKEN && form.test(value);

/** Visible ASCII: what a header carries unchanged. RFC 6750 would allow less, and providers use more. */
const accessTokenForm = /^[\u0021-\u007e]+$/;
const refreshTokenForm = /^[\u0020-\u007e]+$/;

const lifetimeOf = (value: unknown): number | undefined => {
  if (value === undefined || value === null) return DEFAULT_LIFETIME_S;
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !(number >= 1)) return undefined;
  return Math.min(Math.floor(number), LONGEST_LIFETIME_S);
};

const refused = (where: string, { status, retryAfter, body }: TokenResponse): TokenRefused => {
  const error = members(body).get('error');
  const code = knownErrors.includes(error) ? ` (${String(error)})` : '';
  const waitS = seconds(retryAfter);
  return new TokenRefused(`${where} answered ${status}${code}`, waitS === undefined ? undefined : waitS * 1000);
};

/** Throws `TokenRefused`. `where` names the endpoint in its message. */
export const readTokenAnswer = (where: string, response: TokenResponse, rotates: boolean): GivenToken => {
  if (response.status !== 200) throw refused(where, response);
  const answer = members(response.body);
  const malformed = (what: string) => new TokenRefused(`${where} answered 200 ${what}`);
  const accessToken = answer.get('access_token');
  if (accessToken === undefined) throw malformed('without an access_token');
  if (!fits(accessToken, accessTokenForm)) throw malformed('with an access_token that no header can carry');
  const type = answer.get('token_type');
  if (typeof type !== 'string' || type.toLowerCase() !== 'bearer')
    throw malformed('with a token_type other than bearer');
  const lifetimeS = lifetimeOf(answer.get('expires_in'));
  if (lifetimeS === undefined) throw malformed('with an expires_in that is no positive number');
  const next = rotates ? (answer.get('refresh_token') ?? undefined) : undefined;
  if (next !== undefined && !fits(next, refreshTokenForm)) throw malformed('with a malformed refresh_token');
  return { accessToken, lifetimeMs: lifetimeS * 1000, refreshToken: next };
};
