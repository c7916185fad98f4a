import type { Headers } from '../core/decision.ts';
import { perObject } from '../core/per-object.ts';

const { validateHeaderName, validateHeaderValue } = process.getBuiltinModule('node:http');

/** Names are those of this program and of its configuration, few and again and again. */
const goodNames = new Set<string>();
const MOST_NAMES = 1_000;

const checkName = (name: string): void => {
  if (goodNames.has(name)) return;
  validateHeaderName(name);
  if (goodNames.size < MOST_NAMES) goodNames.add(name);
};

/** Headers of an answer as they are sent, checked and written once. A character that no header can carry is an error. */
export class HeaderLines {
  readonly headers: Headers;
  readonly text: string;

  constructor(headers: Headers) {
    this.headers = headers;
    let text = '';
    for (const name of Object.keys(headers)) {
      const value = headers[name] ?? '';
      checkName(name);
      validateHeaderValue(name, value);
      text += `${name}: ${value}\r\n`;
    }
    this.text = text;
  }
}

/** For headers that are one object for as long as they are of use, as those of an identity are while it is cached. */
export const linesOf = perObject((headers: Headers) => new HeaderLines(headers));
