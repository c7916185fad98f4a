/** The header that carries the token of a caller, read as if it were `Authorization: Bearer …`. */
import type { IncomingHttpHeaders } from 'node:http';
import { single } from './http-request.ts';

export class TokenHeader {
  /** In lower case. */
  readonly name: string;
  readonly #scheme: string;
  readonly #isPlain: boolean;

  /** In `Authorization` the scheme must be there, elsewhere it may be left out. */
  constructor(name: string, scheme: string) {
    this.name = name.toLowerCase();
    this.#scheme = `${scheme.toLowerCase()} `;
    this.#isPlain = this.name === 'authorization' && this.#scheme === 'bearer ';
  }

  /** Another scheme than the one that is asked for is the service's own affair. */
  read(headers: IncomingHttpHeaders): string | undefined {
    const value = single(headers[this.name]);
    if (this.#isPlain || value === undefined) return value;
    if (value.slice(0, this.#scheme.length).toLowerCase() === this.#scheme)
      return `Bearer ${value.slice(this.#scheme.length)}`;
    return this.name === 'authorization' || value === '' ? undefined : `Bearer ${value}`;
  }
}
