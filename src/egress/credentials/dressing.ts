import type { Dressing } from '../credential.ts';

const REDACTED = '[redacted]';

const hidden = {
  toString: { value: () => REDACTED },
  toJSON: { value: () => REDACTED },
  [Symbol.for('nodejs.util.inspect.custom')]: { value: () => REDACTED },
};

/** Made once for a secret and given for every call. However it is printed, it shows nothing. */
export const dressing = (headers: readonly string[], query = ''): Dressing =>
  Object.freeze(Object.defineProperties({ headers: Object.freeze([...headers]), query }, hidden));

export const nothingOn: Dressing = dressing([]);
