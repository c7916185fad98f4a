/**
 * The promise's own outcome, or a rejection after `timeoutMs`. A timer runs out before what has arrived meanwhile is read: an
 * event loop that was held up must not look like a server that does not answer.
 */
export const within = async <T>(promise: Promise<T>, timeoutMs: number): Promise<T> => {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    setImmediate(() => setImmediate(() => late.reject(new Error(`no answer within ${timeoutMs} ms`))));
  }, timeoutMs);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
};
