/** To the next power of two, so that few statements serve lists of any length. No name in such a list is empty. */
export const padded = (names: readonly string[]): string[] => {
  const length = 2 ** Math.ceil(Math.log2(Math.max(1, names.length)));
  return [...names, ...Array.from({ length: length - names.length }, () => '')];
};
