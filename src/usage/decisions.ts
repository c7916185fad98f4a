/** Decisions that let a request through, as lines of usage: made of parts that stay the same. */
import type { DecisionEvent } from '../core/decision-event.ts';
import type { Identity } from '../core/identity.ts';
import type { Recorder } from './recorder.ts';
import { writeCallerLine, writeShortLine, writeTurnLine } from './turn-lines.ts';

export type DecisionUsageOptions = Readonly<{
  /** Names this process among all that ever were. */
  prefix: string;
  /** What the gate answers is 200. */
  isBillable(status: number): boolean;
  /** Dialects whose proxy tells of its requests itself, or which let no request through. */
  except: ReadonlySet<string>;
  /** Most events of a turn that share a line of it, for they are read as one batch. */
  batchSize: number;
  now(): number;
  recorder: Pick<Recorder, 'recordShort' | 'isOpen'>;
}>;

/** Of one width for the first thousand million, so that they are inserted in their order. */
const FIRST_NUMBER = 1_000_000_000;

/** `place` is that among the callers of turn `turn`. */
type Caller = { method: string; host: string; line: string; turn: number; place: number };

const keyOf = (identity: Identity): string => (identity.method === 'api_key' ? identity.keyId : '');

/** The last of each identity and rule, for they stay the same. */
const createCallers = (isBillable: boolean) => {
  const known = new WeakMap<Identity, Map<string, Caller>>();
  return (identity: Identity, rule: string, method: string, host: string): Caller => {
    let byRule = known.get(identity);
    if (!byRule) {
      byRule = new Map();
      known.set(identity, byRule);
    }
    const last = byRule.get(rule);
    if (last?.method === method && last.host === host) return last;
    const names = [keyOf(identity), identity.subject, rule, method, host];
    const caller = { method, host, line: writeCallerLine(names, 200, isBillable), turn: 0, place: 0 };
    byRule.set(rule, caller);
    return caller;
  };
};

export const createDecisionUsage = (options: DecisionUsageOptions): ((event: DecisionEvent) => void) => {
  const { prefix, isBillable, except, batchSize, now, recorder } = options;
  const callerOf = createCallers(isBillable(200));
  let number = FIRST_NUMBER;
  let turn = 0;
  let callers = 0;
  let events = 0;

  return ({ decision, request, rule, dialect, durationMs }) => {
    if (decision.verdict !== 'allow' || !request || except.has(dialect)) return;
    number += 1;
    events += 1;
    let heads = '';
    if (!recorder.isOpen() || events > batchSize) {
      turn += 1;
      callers = 0;
      events = 1;
      heads = writeTurnLine(prefix, number, now());
    }
    const caller = callerOf(decision.identity, rule, request.method, request.host);
    if (caller.turn !== turn) {
      caller.turn = turn;
      caller.place = callers++;
      heads += caller.line;
    }
    recorder.recordShort(heads + writeShortLine(caller.place, request.path, durationMs));
  };
};
