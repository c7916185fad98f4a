/** Edits between two words: letters added, dropped, changed, or two neighbours swapped (optimal string alignment). */
export const distance = (a: string, b: string): number => {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const changed = a[row - 1] === b[column - 1] ? 0 : 1;
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      const steps = [
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + changed,
        swapped ? (beforeLast[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      ];
      current.push(Math.min(...steps));
    }
    [beforeLast, last] = [last, current];
  }
  return last[b.length] ?? 0;
};

/** The word that was probably meant: at most one edit in three letters away. Case and `-` for `_` count for nothing. */
export const nearest = (word: string, known: readonly string[]): string | undefined => {
  if (word.length > 64) return undefined;
  const plain = (text: string) => text.toLowerCase().replaceAll('-', '_');
  const [best] = known
    .map((candidate) => ({ candidate, edits: distance(plain(word), plain(candidate)) }))
    .filter(({ candidate, edits }) => edits <= Math.max(1, Math.floor(Math.min(word.length, candidate.length) / 3)))
    .sort((a, b) => a.edits - b.edits);
  return best?.candidate;
};
