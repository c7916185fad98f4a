/** Something that is done when it is prompted, once at a time, and again after a time of its own. */

export type PromptedOptions = Readonly<{
  /** Gives after how many milliseconds it is to run again without a prompt; undefined: not before one. */
  run(signal: AbortSignal): Promise<number | undefined>;
  /** Between two runs, however often it is prompted. */
  leastMs: number;
  /** After a run that failed. */
  retryMs: number;
  /** Resolves after so many milliseconds, or at the signal. */
  pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Told once of an outage, not at every run. */
  onFailed(error: unknown): void;
}>;

export type Prompted = Readonly<{
  start(): void;
  prompt(): void;
  /** Begins nothing more, and ends after what is under way. */
  close(): Promise<void>;
}>;

/** The longest that a timer can. */
const FOR_GOOD_MS = 2_147_483_647;

export const createPrompted = ({ run, leastMs, retryMs, pause, onFailed }: PromptedOptions): Prompted => {
  const closing = new AbortController();
  let sleeping = new AbortController();
  let isPrompted = false;
  let isFailing = false;
  let running: Promise<void> | undefined;

  const runOnce = async (): Promise<number | undefined> => {
    try {
      const againMs = await run(closing.signal);
      isFailing = false;
      return againMs;
    } catch (error) {
      if (!isFailing && !closing.signal.aborted) onFailed(error);
      isFailing = true;
      return retryMs;
    }
  };

  const goOn = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      isPrompted = false;
      const againMs = await runOnce();
      await pause(leastMs, closing.signal);
      sleeping = new AbortController();
      if (isPrompted || closing.signal.aborted) continue;
      await pause(againMs === undefined ? FOR_GOOD_MS : Math.max(0, againMs - leastMs), sleeping.signal);
    }
  };

  return {
    start() {
      running ??= goOn();
    },

    prompt() {
      isPrompted = true;
      sleeping.abort();
    },

    async close() {
      closing.abort();
      sleeping.abort();
      await running;
    },
  };
};
