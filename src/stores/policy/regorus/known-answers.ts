/**
 * Answers that were given before. A policy computes and can do nothing else (docs/decisions/0023): asked the same it answers the
 * same, unless it reads the clock.
 */
import type { InputParts, PolicyAnswer } from '../../../checks/policy-engine.ts';

const MOST_KNOWN = 2_000;
const LONGEST_KNOWN = 512;

export type KnownAnswers = Readonly<{
  /** Asks where the answer is not known. */
  to(query: number, own: string, parts: InputParts, ask: () => PolicyAnswer): PolicyAnswer;
}>;

/** There is one function for it; `syntax` has its name wherever it is called, written plainly or not. */
export const readsClock = (syntax: string): boolean => syntax.includes('now_ns');

export const createKnownAnswers = (): KnownAnswers => {
  const known = new Map<string, PolicyAnswer>();
  return {
    to(query, own, [one, other], ask) {
      if (own.length > LONGEST_KNOWN) return ask();
      const key = `${query}.${one.id}.${other.id}.${own}`;
      const before = known.get(key);
      if (before) return before;
      const answer = ask();
      // Whatever went wrong may go well the next time.
      if (answer.outcome !== 'value' && answer.outcome !== 'undefined') return answer;
      if (known.size >= MOST_KNOWN) known.clear();
      known.set(key, answer);
      return answer;
    },
  };
};
