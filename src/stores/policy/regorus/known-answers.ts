/**
 * Answers that were given before. A policy computes and can do nothing else (docs/decisions/0023): asked the same it answers the
 * same, for as long as the clock makes no difference to it.
 */
import type { InputParts, PolicyAnswer } from '../../../checks/policy-engine.ts';
import type { Span, UnchangedAt } from './unchanged.ts';

const MOST_KNOWN = 2_000;
const LONGEST_KNOWN = 512;

export type KnownAnswers = Readonly<{
  /** Asks where the answer is not known. */
  to(query: number, own: string, parts: InputParts, nowMs: number, ask: () => PolicyAnswer): PolicyAnswer;
}>;

type Known = Readonly<{ answer: PolicyAnswer; span: Span }>;

export const createKnownAnswers = (unchangedAt: UnchangedAt): KnownAnswers => {
  const known = new Map<string, Known>();
  return {
    to(query, own, parts, nowMs, ask) {
      if (own.length > LONGEST_KNOWN) return ask();
      const key = `${query}.${parts[0].id}.${parts[1].id}.${own}`;
      const before = known.get(key);
      if (before && before.span.fromMs <= nowMs && nowMs < before.span.untilMs) return before.answer;
      const answer = ask();
      // Whatever went wrong may go well the next time.
      if (answer.outcome !== 'value' && answer.outcome !== 'undefined') return answer;
      const span = unchangedAt(parts, nowMs);
      if (!span) return answer;
      if (known.size >= MOST_KNOWN) known.clear();
      known.set(key, { answer, span });
      return answer;
    },
  };
};
