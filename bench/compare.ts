import { type Load, load, type Measured } from './load.ts';

export type Comparison = Readonly<{
  name: string;
  /** What the ratio should at least be, from the issue tracker's targets. */
  target: number;
  baseline: Measured;
  subject: Measured;
  ratio: number;
  /** NaN where the tail is not measured. */
  p99Ratio: number;
}>;

/** Many short ones: what else the machine does comes in bursts, and then spoils a few rounds and not most. */
const ROUNDS = 9;

/**
 * The tail is of longer runs: a run begins with 64 connections at once, of which libuv takes one a turn of its loop, and wrk counts
 * each wait over the usual as many. In a run of a second that alone is more than one request of a hundred.
 */
const TAIL_SECONDS = 20;
const TAIL_ROUNDS = 3;

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const medianOf = (measured: readonly Measured[]): Measured => ({
  requestsPerSecond: median(measured.map(({ requestsPerSecond }) => requestsPerSecond)),
  p99Ms: median(measured.map(({ p99Ms }) => p99Ms)),
  unexpected: measured.reduce((sum, { unexpected }) => sum + unexpected, 0),
});

const medianP99 = (measured: readonly Measured[]): number => medianOf(measured).p99Ms;

/** Puts load on a server for so many seconds. */
type Measure = (seconds: number) => Promise<Measured>;

export type Comparing = Readonly<{
  /** Until what the subject has put off is done, which is not to fall on the baseline. */
  settled?: () => Promise<void>;
  /** Also compares the slowest of a hundred requests, in two minutes more. */
  tail?: boolean;
}>;

type Round = Readonly<{ a: Measured; b: Measured }>;

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
  { settled = async () => undefined, tail = false }: Comparing = {},
): Promise<Comparison> => {
  const inTurn = async (count: number, forSeconds: number): Promise<Round[]> => {
    const rounds: Round[] = [];
    for (let round = 0; round < count; round++) {
      rounds.push({ a: await baseline(forSeconds), b: await subject(forSeconds) });
      await settled();
    }
    return rounds;
  };
  await baseline(1);
  await subject(2);
  await settled();
  const rounds = await inTurn(ROUNDS, seconds);
  const tails = tail ? await inTurn(TAIL_ROUNDS, TAIL_SECONDS) : [];
  return {
    name,
    target,
    baseline: medianOf(rounds.map(({ a }) => a)),
    subject: medianOf(rounds.map(({ b }) => b)),
    ratio: median(rounds.map(({ a, b }) => b.requestsPerSecond / a.requestsPerSecond)),
    p99Ratio: medianP99(tails.map(({ b }) => b)) / medianP99(tails.map(({ a }) => a)),
  };
};

/** The same by wrk. */
export const compare = (
  name: string,
  target: number,
  baseline: Omit<Load, 'seconds'>,
  subject: Omit<Load, 'seconds'>,
  seconds: number,
  comparing?: Comparing,
): Promise<Comparison> => {
  const by =
    (asked: Omit<Load, 'seconds'>): Measure =>
    (forSeconds) =>
      load({ ...asked, seconds: forSeconds });
  return compareBy(name, target, by(baseline), by(subject), seconds, comparing);
};
