/** Digests that fall on the same place and take turns would each put the other out for ever, were there room for one alone. */
const WAYS = 4;

/**
 * Tells whether a digest came before, among about the last `size`. It may forget early and, once in 2³⁰ times, take one for
 * another. For hexadecimal digests of 16 characters and more.
 */
export const createSeenBefore = (size: number): ((digest: string) => boolean) => {
  const places = Math.ceil(size / WAYS);
  const slots = new Uint32Array(places * WAYS);
  return (digest) => {
    const first = (Number.parseInt(digest.slice(0, 8), 16) % places) * WAYS;
    const mark = Number.parseInt(digest.slice(8, 16), 16);
    const last = first + WAYS - 1;
    let at = first;
    while (at < last && slots[at] !== mark) at++;
    const isKnown = slots[at] === mark;
    // The latest comes first, and the oldest is the one to go.
    slots.copyWithin(first + 1, first, at);
    slots[first] = mark;
    return isKnown;
  };
};
