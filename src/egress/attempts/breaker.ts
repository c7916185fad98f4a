/**
 * Stops calls to a target that does not answer, so that callers learn it at once and the target can recover. Closed, calls
 * pass; open, none does; half-open, one at a time finds out whether the target is back.
 */
export type Breaker = Readonly<{
  /** A ticket where an attempt may go, which must be settled then; undefined where none may. */
  enter(): number | undefined;
  /** `neither` where the attempt told nothing, such as that of a caller who left. */
  settle(ticket: number, health: 'good' | 'bad' | 'neither'): void;
  /** In how many milliseconds it is worth asking again. */
  retryAfterMs(): number;
  state(): BreakerState;
}>;

export type BreakerState = 'closed' | 'open' | 'half_open';

export type BreakerRule = Readonly<{
  /** So many failures in a row open it, or so many within ten seconds where they are half of all calls. */
  failures: number;
  /** How long it stays open before the first call that tries. */
  openForMs: number;
}>;

const WINDOW_MS = 10_000;
const SHARE = 0.5;

/** `nowMs` of a clock that never goes back. `onTurn` is told of every change, for the log. */
export const createBreaker = (
  { failures, openForMs }: BreakerRule,
  nowMs: () => number,
  onTurn: (state: BreakerState) => void = () => undefined,
): Breaker => {
  let state: BreakerState = 'closed';
  let reopensAtMs = 0;
  let isTrying = false;
  // Of the state that a ticket was given in: what went before a turn tells nothing about what came after it.
  let epoch = 0;
  let inARow = 0;
  let windowFromMs = nowMs();
  // The window is two halves: what came in this one, and in the one before.
  let calls = { now: 0, before: 0 };
  let bad = { now: 0, before: 0 };

  const turn = (to: BreakerState): void => {
    state = to;
    epoch += 1;
    onTurn(to);
  };

  const open = (): void => {
    reopensAtMs = nowMs() + openForMs;
    turn('open');
  };

  const close = (): void => {
    inARow = 0;
    calls = { now: 0, before: 0 };
    bad = { now: 0, before: 0 };
    turn('closed');
  };

  const slide = (): void => {
    const halves = Math.floor((nowMs() - windowFromMs) / (WINDOW_MS / 2));
    if (halves === 0) return;
    windowFromMs += halves * (WINDOW_MS / 2);
    calls = { now: 0, before: halves === 1 ? calls.now : 0 };
    bad = { now: 0, before: halves === 1 ? bad.now : 0 };
  };

  const countClosed = (health: 'good' | 'bad'): void => {
    slide();
    calls.now += 1;
    inARow = health === 'bad' ? inARow + 1 : 0;
    if (health === 'good') return;
    bad.now += 1;
    const [allBad, allCalls] = [bad.now + bad.before, calls.now + calls.before];
    if (inARow >= failures || (allBad >= failures && allBad >= allCalls * SHARE)) open();
  };

  return {
    enter() {
      if (state === 'closed') return epoch;
      if (state === 'open') {
        if (nowMs() < reopensAtMs) return undefined;
        turn('half_open');
        isTrying = false;
      }
      // Whoever comes while one tries is refused, and does not wait for it.
      if (isTrying) return undefined;
      isTrying = true;
      return epoch;
    },

    settle(ticket, health) {
      if (ticket !== epoch) return;
      if (state === 'closed') {
        if (health !== 'neither') countClosed(health);
        return;
      }
      isTrying = false;
      if (health === 'good') close();
      else if (health === 'bad') open();
    },

    retryAfterMs: () => (state === 'open' ? Math.max(0, reopensAtMs - nowMs()) : Math.min(openForMs, 1_000)),

    state: () => state,
  };
};
