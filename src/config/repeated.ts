import type { Finding } from './finding.ts';
import type { Path } from './path.ts';

/** A finding for every word that was there before. `kind` names what must be unique. */
export const repeated = (words: readonly Readonly<{ word: string; path: Path }>[], kind: string): Finding[] => {
  const first = new Map<string, Path>();
  return words.flatMap(({ word, path }): Finding[] => {
    const before = first.get(word);
    if (before) return [{ path, message: `the same ${kind} as`, refersTo: before, shows: 'value', reads: [before] }];
    first.set(word, path);
    return [];
  });
};
