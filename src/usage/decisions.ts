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

/** The last text and its quoted form: neighbouring requests are much alike. */
const createLastQuoted = () => {
  let last = '';
  let quoted = '""';
  return (text: string): string => {
    if (text !== last) {
      quoted = quoteName(text);
      last = text;
    }
    return quoted;
  };
};

const keyOf = (identity: Identity): string => (identity.method === 'api_key' ? identity.keyId : '');

/** By identity and rule: source, key, user and rule. */
const createCallers = () => {
  const known = new WeakMap<Identity, Map<string, string>>();
  return (identity: Identity, rule: string): string => {
    let byRule = known.get(identity);
    if (!byRule) {
      byRule = new Map();
      known.set(identity, byRule);
    }
    let caller = byRule.get(rule);
    if (caller === undefined) {
      caller = `"decision",${quoteName(keyOf(identity))},${quoteName(identity.subject)},${quoteName(rule)}`;
      byRule.set(rule, caller);
    }
    return caller;
  };
};

export const createDecisionUsage = (options: DecisionUsageOptions): ((event: DecisionEvent) => void) => {
  const { prefix, isBillable, except, now, recorder } = options;
  const head = `["${prefix}-`;
  const result = `200,${isBillable(200) ? 1 : 0},0,0`;
  const [methodOf, hostOf] = [createLastQuoted(), createLastQuoted()];
  const callerOf = createCallers();
  let number = FIRST_NUMBER;
  let atMs = '';

  return ({ decision, request, rule, dialect, durationMs }) => {
    if (decision.verdict !== 'allow' || !request || except.has(dialect)) return;
    // One time for a whole turn: to ask for it and to write it down costs as much as the rest.
    if (recorder.isEmpty()) atMs = `${now()}`;
    number += 1;
    const what = `${methodOf(request.method)},${hostOf(request.host)},${quotePath(request.path)}`;
    const who = callerOf(decision.identity, rule);
    recorder.recordLine(`${head}${number}",${atMs},${who},${what},${result},${Math.round(durationMs * 1_000)}]\n`);
  };
};
