/** Something that is done again and again in the background, once at a time. */

export type RoundsOptions = Readonly<{
  everyMs: number;
  /** Where it gives true there is more to do, and it goes on after `breatheMs`. */
  run: (signal: AbortSignal) => Promise<unknown>;
  breatheMs?: number;
  /** Resolves after so many milliseconds, or at the signal. */
  pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Told once of an outage, not at every round. */
  onFailed(error: unknown): void;
}>;

export type Rounds = Readonly<{
  start(): void;
  /** Begins nothing more, and ends after what is under way. */
  close(): Promise<void>;
}>;

export const createRounds = ({ everyMs, breatheMs = everyMs, run, pause, onFailed }: RoundsOptions): Rounds => {
  const closing = new AbortController();
  let running: Promise<void> | undefined;

  const goRound = async (): Promise<void> => {
    let failing = false;
    while (!closing.signal.aborted) {
      let isMore = false;
      try {
        isMore = (await run(closing.signal)) === true;
        failing = false;
      } catch (error) {
        if (!failing && !closing.signal.aborted) onFailed(error);
        failing = true;
      }
      await pause(isMore ? breatheMs : everyMs, closing.signal);
    }
  };

  return {
    start() {
      running ??= goRound();
    },

    async close() {
      closing.abort();
      await running;
    },
  };
};
