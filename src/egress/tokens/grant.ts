/** Ways of asking a token endpoint (RFC 6749 section 4), and what it answers. */
import type { Eventually } from '../../core/eventually.ts';

export type TokenRequest = Readonly<{
  url: string;
  headers: Readonly<Record<string, string>>;
  /** `application/x-www-form-urlencoded`. */
  form: string;
}>;

export type TokenResponse = Readonly<{ status: number; retryAfter: string | undefined; body: string }>;

/** The port to a token endpoint: bounded in time and size, no redirects. Rejects where there is no whole answer. */
export type AskTokenEndpoint = (request: TokenRequest) => Promise<TokenResponse>;

export type Grant = Readonly<{
  /** Whether an answer may hold another refresh token, to be used from then on. */
  rotates: boolean;
  /** `refreshToken`: the latest that was given, where the grant has one of its own to begin with. */
  request(refreshToken: string | undefined): Eventually<TokenRequest>;
}>;

/** Fields in order; those that are undefined or empty are left out. */
export const formOf = (fields: Readonly<Record<string, string | undefined>>): string => {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined && value !== '') form.append(name, value);
  }
  return form.toString();
};
