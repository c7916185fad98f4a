/**
 * Which headers of a request carry credentials of ours, and which are the service's own affair: the token may come in another
 * header than `Authorization`, and is read as if it came in that one.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { single } from './http-request.ts';

export type ProxiedCredentialsOptions = Readonly<{
  /** The header that carries the token, and the word before it: elsewhere than in `Authorization` it may be left out. */
  header: string;
  scheme: string;
  /** Whether tokens are looked at. */
  takesTokens: boolean;
  /** Whether `X-API-Key` is. */
  takesKeys: boolean;
}>;

export class ProxiedCredentials {
  /** Carries the token, in lower case. */
  readonly tokenHeader: string;
  readonly #scheme: string;
  readonly #isPlain: boolean;
  readonly #takesTokens: boolean;
  readonly #takesKeys: boolean;

  constructor({ header, scheme, takesTokens, takesKeys }: ProxiedCredentialsOptions) {
    this.tokenHeader = header.toLowerCase();
    this.#scheme = `${scheme.toLowerCase()} `;
    this.#isPlain = this.tokenHeader === 'authorization' && this.#scheme === 'bearer ';
    this.#takesTokens = takesTokens;
    this.#takesKeys = takesKeys;
  }

  /** As the gate is to see it. `name` is in lower case. */
  read(headers: IncomingHttpHeaders, name: string): string | undefined {
    if (name === 'authorization') return this.#takesTokens ? this.#token(headers) : undefined;
    if (name === 'x-api-key' && !this.#takesKeys) return undefined;
    return single(headers[name]);
  }

  /** Another scheme than the one that is asked for is the service's own affair. */
  #token(headers: IncomingHttpHeaders): string | undefined {
    const value = single(headers[this.tokenHeader]);
    if (this.#isPlain || value === undefined) return value;
    if (value.slice(0, this.#scheme.length).toLowerCase() === this.#scheme)
      return `Bearer ${value.slice(this.#scheme.length)}`;
    return this.tokenHeader === 'authorization' || value === '' ? undefined : `Bearer ${value}`;
  }
}
