import type { Headers } from '../core/decision.ts';
import { perObject } from '../core/per-object.ts';

const { validateHeaderName, validateHeaderValue } = process.getBuiltinModule('node:http');

/** Headers of an answer as they are sent, checked and written once. A character that no header can carry is an error. */
export class HeaderLines {
  readonly headers: Headers;
  readonly text: string;

  constructor(headers: Headers) {
    this.headers = headers;
    let text = '';
    for (const [name, value] of Object.entries(headers)) {
      validateHeaderName(name);
      validateHeaderValue(name, value);
      text += `${name}: ${value}\r\n`;
    }
    this.text = text;
  }
}

/** For headers that are one object for as long as they are of use, as those of an identity are while it is cached. */
export const linesOf = perObject((headers: Headers) => new HeaderLines(headers));
