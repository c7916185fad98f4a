/** Decisions that let a request through, as lines of usage: made of parts that stay the same. */
import type { DecisionEvent } from '../core/decision-event.ts';
import type { Identity } from '../core/identity.ts';
import type { Recorder } from './recorder.ts';
import { quoteName, quotePath } from './usage-line.ts';

export type DecisionUsageOptions = Readonly<{
  /** Names this process among all that ever were. */
  prefix: string;
  /** What the gate answers is 200. */
  isBillable(status: number): boolean;
  /** Dialects whose proxy tells of its requests itself, or which let no request through. */
  except: ReadonlySet<string>;
  now(): number;
  recorder: Pick<Recorder, 'recordLine' | 'isEmpty'>;
}>;

/** Of one width for the first thousand million, so that they are inserted in their order. */
const FIRST_NUMBER = 1_000_000_000;

const keyOf = (identity: Identity): string => (identity.method === 'api_key' ? identity.keyId : '');

/** Source, key, user, rule, method and host, as far as the path: the last of each identity and rule, for they stay the same. */
const createMiddles = () => {
  type Middle = { method: string; host: string; text: string };
  const known = new WeakMap<Identity, Map<string, Middle>>();
  return (identity: Identity, rule: string, method: string, host: string): string => {
    let byRule = known.get(identity);
    if (!byRule) {
      byRule = new Map();
      known.set(identity, byRule);
    }
    const last = byRule.get(rule);
    if (last?.method === method && last.host === host) return last.text;
    const names = [keyOf(identity), identity.subject, rule, method, host].map(quoteName);
    const text = `,"decision",${names.join(',')},`;
    byRule.set(rule, { method, host, text });
    return text;
  };
};

export const createDecisionUsage = (options: DecisionUsageOptions): ((event: DecisionEvent) => void) => {
  const { prefix, isBillable, except, now, recorder } = options;
  const head = `["${prefix}-`;
  const result = `,200,${isBillable(200) ? 1 : 0},0,0,`;
  const middleOf = createMiddles();
  let number = FIRST_NUMBER;
  let time = '';

  return ({ decision, request, rule, dialect, durationMs }) => {
    if (decision.verdict !== 'allow' || !request || except.has(dialect)) return;
    // One time for a whole turn: to ask for it and to write it down costs as much as the rest.
    if (recorder.isEmpty()) time = `",${now()}`;
    number += 1;
    const middle = middleOf(decision.identity, rule, request.method, request.host);
    // Of few parts, for each is joined with the rest and taken apart again when the turn is written.
    recorder.recordLine(
      `${head}${number}${time}${middle}${quotePath(request.path)}${result}${Math.round(durationMs * 1_000)}]\n`,
    );
  };
};
