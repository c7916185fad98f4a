/** What stands between a call and its target: retries, the deadline, the breaker, the limit of calls at once. */
import type { Config } from '../config/config.ts';
import { createAttempts } from '../egress/attempts/attempts.ts';
import { type Breaker, type BreakerState, createBreaker } from '../egress/attempts/breaker.ts';
import { createRetryBudget } from '../egress/attempts/budget.ts';
import { createRepeatRule } from '../egress/attempts/repeatable.ts';
import { createSlots } from '../egress/attempts/slots.ts';
import type { SendCall } from '../egress/target.ts';
import type { TargetState } from './target-memory.ts';

type EgressConfig = NonNullable<Config['egress']>;
type TargetConfig = EgressConfig['targets'][string];

export type TargetAttempts = Readonly<{
  send: SendCall;
  /** Most bytes of a body of that length that is held to be sent again; undefined where it streams. */
  heldBody(method: string, headers: readonly string[], length: number | undefined): number | undefined;
}>;

/** For whoever turns the breaker off. */
const alwaysClosed: Breaker = {
  enter: () => 0,
  settle: () => undefined,
  retryAfterMs: () => 0,
  state: () => 'closed',
};

const nowMs = (): number => performance.now();

const after = (ms: number, then: () => void): (() => void) => {
  const timer = setTimeout(then, ms);
  return () => clearTimeout(timer);
};

type StateConfig = Pick<TargetConfig, 'breaker' | 'retry_budget' | 'max_concurrent' | 'max_waiting'>;

export const createTargetState = (
  { breaker, retry_budget, max_concurrent, max_waiting }: StateConfig,
  onBreaker: (state: BreakerState) => void,
): TargetState => ({
  breaker: breaker.enabled
    ? createBreaker({ failures: breaker.failures, openForMs: breaker.open_for }, nowMs, onBreaker)
    : alwaysClosed,
  budget: createRetryBudget(retry_budget, nowMs),
  slots: createSlots(max_concurrent, max_waiting),
});

export const assembleAttempts = (
  config: TargetConfig,
  defaults: EgressConfig['defaults'],
  once: SendCall,
  { breaker, budget, slots }: TargetState,
): TargetAttempts => {
  const { retry_body_size: mostHeld } = config;
  const mayRepeat = createRepeatRule(config.retry_methods);
  return {
    send: createAttempts({
      send: once,
      rules: {
        mayRepeat,
        retryCount: config.retry_count ?? defaults.retry_count ?? 3,
        retryDelayMs: config.retry_delay ?? defaults.retry_delay ?? 500,
        budget,
        wallMs: Date.now,
        random: Math.random,
      },
      breaker,
      slots,
      nowMs,
      after,
    }),
    heldBody: (method, headers, length) =>
      length !== undefined && length <= mostHeld && mayRepeat(method, headers) ? mostHeld : undefined,
  };
};
