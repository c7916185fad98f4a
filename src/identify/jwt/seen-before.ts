/**
 * Tells whether a digest came before, among about the last `size`. It may forget early and, once in 2³² times, take one for
 * another. For hexadecimal digests of 16 characters and more.
 */
export const createSeenBefore = (size: number): ((digest: string) => boolean) => {
  const slots = new Uint32Array(size);
  return (digest) => {
    const slot = Number.parseInt(digest.slice(0, 8), 16) % size;
    const mark = Number.parseInt(digest.slice(8, 16), 16);
    const isKnown = slots[slot] === mark;
    slots[slot] = mark;
    return isKnown;
  };
};
