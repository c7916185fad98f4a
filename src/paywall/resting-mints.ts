/** Mints that are left alone for the moment, by whoever brings payments to their end in the background. */

export type RestingMintsOptions = Readonly<{
  now: () => number;
  jittered: (ms: number) => number;
  /** Told once of a mint that payments wait for and that is not accepted any more. */
  onStranded(mint: string): void;
}>;

export type RestingMints = Readonly<{
  /** It gave no certain answer. */
  rest(mint: string): void;
  isResting(mint: string): boolean;
  /** It is not accepted any more. Says whether that is new. */
  strand(mint: string): boolean;
  /** All that nobody need ask for. */
  all(): readonly string[];
}>;

/** A mint that gives no certain answer is left alone for so long. */
const REST_MS = 5_000;

/** Times of half as long up to half as long again: keeps processes that started together from asking together. */
export const createJitter =
  (random: () => number) =>
  (ms: number): number =>
    ms * (0.5 + random());

export const createRestingMints = ({ now, jittered, onStranded }: RestingMintsOptions): RestingMints => {
  const restingUntil = new Map<string, number>();
  const stranded = new Set<string>();

  const isResting = (mint: string): boolean => (restingUntil.get(mint) ?? 0) > now();

  return {
    rest: (mint) => void restingUntil.set(mint, now() + jittered(REST_MS)),
    isResting,

    strand(mint) {
      if (stranded.has(mint)) return false;
      stranded.add(mint);
      onStranded(mint);
      return true;
    },

    all: () => [...[...restingUntil.keys()].filter(isResting), ...stranded],
  };
};
