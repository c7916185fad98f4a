import type { UsageEvent } from './usage-event.ts';

/** An event as one line of JSON, in the order of the table's columns: what the spool keeps and the store is given. */
export type UsageLine = readonly [
  id: string,
  atMs: number,
  source: UsageEvent['source'],
  keyId: string,
  userId: string,
  rule: string,
  method: string,
  host: string,
  path: string,
  status: number,
  billable: 0 | 1,
  requestBytes: number,
  responseBytes: number,
  durationUs: number,
];

const LONGEST_NAME = 512;
const LONGEST_PATH = 2_048;
/** The end of the year 9999, which every calendar can show. */
const LATEST_MS = 253_402_300_799_999;
/** A petabyte, and a month: sums of them stay numbers. */
const MOST_BYTES = 2 ** 50;
const MOST_US = 2 ** 41;

/** PostgreSQL keeps no NUL, and half a character would not come back as it went in. */
const storable = (text: string, longest: number): string =>
  text.slice(0, longest).replaceAll('\0', '\ufffd').toWellFormed();

/** Printable ASCII without quotation mark and backslash: what nearly every text is, and JSON as it stands. */
const plain = /^[ !#-[\]-~]*$/;

/** As JSON, cut and in a form that every store takes. */
const quote = (text: string, longest: number): string =>
  text.length <= longest && plain.test(text) ? `"${text}"` : JSON.stringify(storable(text, longest));

export const quoteName = (text: string): string => quote(text, LONGEST_NAME);
export const quotePath = (path: string): string => quote(path, LONGEST_PATH);

const amount = (value: number, most: number): number =>
  Number.isFinite(value) ? Math.min(Math.max(Math.round(value), 0), most) : 0;

/** Whatever an access log says becomes something that every store takes. Ends with a line break. */
export const writeUsageLine = (event: UsageEvent, isBillable: boolean): string => {
  const { id, source, keyId, userId, rule, method, host, path, atMs, status } = event;
  const who = [source, keyId, userId, rule, method, host].map(quoteName).join(',');
  const numbers = [
    amount(status, Number.MAX_SAFE_INTEGER),
    isBillable ? 1 : 0,
    amount(event.requestBytes, MOST_BYTES),
    amount(event.responseBytes, MOST_BYTES),
    amount(event.durationMs * 1_000, MOST_US),
  ];
  return `[${quoteName(id)},${amount(atMs, LATEST_MS)},${who},${quotePath(path)},${numbers.join(',')}]\n`;
};
