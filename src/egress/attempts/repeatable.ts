/** Which calls may be sent to a target more than once. Whatever is not named here is sent once, whatever becomes of it. */

/** `headers` are name, value, name, value. Whether the body is still there is another question. */
export type RepeatRule = (method: string, headers: readonly string[]) => boolean;

/** Only these do the same when done twice (RFC 9110, 9.2.2). TRACE and CONNECT reach no target. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'QUERY', 'PROPFIND']);

/** Exactly one key: of two, one target may read the first and another the last. */
const hasIdempotencyKey = (headers: readonly string[]): boolean => {
  let keys = 0;
  for (let at = 0; at < headers.length; at += 2) {
    if (headers[at]?.toLowerCase() !== 'idempotency-key') continue;
    if (headers[at + 1]?.trim() === '') return false;
    keys += 1;
  }
  return keys === 1;
};

/**
 * `methods` are those that the operator lets repeat. A listed method that is not idempotent, such as POST, is repeated with
 * an `Idempotency-Key` alone (draft-ietf-httpapi-idempotency-key-header).
 */
export const createRepeatRule = (methods: readonly string[]): RepeatRule => {
  const listed: ReadonlySet<string> = new Set(methods);
  return (method, headers) => listed.has(method) && (IDEMPOTENT.has(method) || hasIdempotencyKey(headers));
};
