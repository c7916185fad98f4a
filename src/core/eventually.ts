/** A value, or the promise of one: a decision on cached credentials is made without waiting, at half the cost. */
export type Eventually<T> = T | Promise<T>;

/** Goes on with the value now if it is there, else when it is. */
export const whenReady = <T, U>(value: Eventually<T>, next: (value: T) => Eventually<U>): Eventually<U> =>
  value instanceof Promise ? value.then(next) : next(value);
