/** `Retry-After`: seconds, or a date (RFC 9110, 10.2.3). */

/** The three forms of an HTTP date start with the day; without that `Date.parse` reads nearly everything as one. */
const HTTP_DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6},? [\w :-]{16,26}$/;
/** asctime has no zone, and is in GMT all the same. */
const ASCTIME = /^\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}$/;

/** In milliseconds from `nowMs` (of the wall clock), never negative; undefined where it cannot be read. */
export const readRetryAfter = (value: string | undefined, nowMs: number): number | undefined => {
  const text = value?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000;
  if (!HTTP_DATE.test(text)) return undefined;
  const atMs = Date.parse(ASCTIME.test(text) ? `${text} GMT` : text);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
};
