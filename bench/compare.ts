import { type Load, load, type Measured } from './load.ts';

export type Comparison = Readonly<{
  name: string;
  /** What the ratio should at least be, from the issue tracker's targets. */
  target: number;
  baseline: Measured;
  subject: Measured;
  ratio: number;
  p99Ratio: number;
}>;

/** Many short ones: what else the machine does comes in bursts, and then spoils the tail of a few rounds and not of most. */
const ROUNDS = 9;

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const medianOf = (measured: readonly Measured[]): Measured => ({
  requestsPerSecond: median(measured.map(({ requestsPerSecond }) => requestsPerSecond)),
  p99Ms: median(measured.map(({ p99Ms }) => p99Ms)),
  unexpected: measured.reduce((sum, { unexpected }) => sum + unexpected, 0),
});

/** Puts load on a server for so many seconds. */
type Measure = (seconds: number) => Promise<Measured>;

/**
 * Two servers in turn, A B A B …, after a warm-up of each: what the machine does besides falls on both. The ratio of the rates
 * is the median of the rounds' own, for the machine's speed drifts; that of the tails is of their medians, for one burst of
 * other work makes the tail of its round.
 */
export const compareBy = async (
  name: string,
  target: number,
  baseline: Measure,
  subject: Measure,
  seconds: number,
  /** Until what the subject has put off is done, which is not to fall on the baseline. */
  settled: () => Promise<void> = async () => undefined,
): Promise<Comparison> => {
  await baseline(1);
  await subject(2);
  await settled();
  const rounds: { a: Measured; b: Measured }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    rounds.push({ a: await baseline(seconds), b: await subject(seconds) });
    await settled();
  }
  const a = medianOf(rounds.map((round) => round.a));
  const b = medianOf(rounds.map((round) => round.b));
  return {
    name,
    target,
    baseline: a,
    subject: b,
    ratio: median(rounds.map((round) => round.b.requestsPerSecond / round.a.requestsPerSecond)),
    p99Ratio: b.p99Ms / a.p99Ms,
  };
};

/** The same by wrk. */
export const compare = (
  name: string,
  target: number,
  baseline: Omit<Load, 'seconds'>,
  subject: Omit<Load, 'seconds'>,
  seconds: number,
  settled?: () => Promise<void>,
): Promise<Comparison> => {
  const by =
    (asked: Omit<Load, 'seconds'>): Measure =>
    (forSeconds) =>
      load({ ...asked, seconds: forSeconds });
  return compareBy(name, target, by(baseline), by(subject), seconds, settled);
};
