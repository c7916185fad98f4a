/** Which calls may be sent to a target more than once. Whatever is not named here is sent once, whatever becomes of it. */

/**
 * `never`: one send at most. `as_is`: it has no body, nothing need be kept. `buffered`: it may be repeated while its whole
 * body is held, and not any more once that is too large.
 */
export type Repeatable = 'never' | 'as_is' | 'buffered';

export type RepeatRule = (call: {
  method: string;
  /** Name, value, name, value. */
  headers: readonly string[];
  hasBody: boolean;
  /** It becomes a connection of its own. */
  isUpgrade: boolean;
}) => Repeatable;

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
  return ({ method, headers, hasBody, isUpgrade }) => {
    if (isUpgrade || !listed.has(method)) return 'never';
    if (!IDEMPOTENT.has(method) && !hasIdempotencyKey(headers)) return 'never';
    return hasBody ? 'buffered' : 'as_is';
  };
};
