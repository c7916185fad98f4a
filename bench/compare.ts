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

const ROUNDS = 5;

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const medianOf = (measured: readonly Measured[]): Measured => ({
  requestsPerSecond: median(measured.map(({ requestsPerSecond }) => requestsPerSecond)),
  p99Ms: median(measured.map(({ p99Ms }) => p99Ms)),
  unexpected: measured.reduce((sum, { unexpected }) => sum + unexpected, 0),
});

/**
 * Two servers in turn, A B A B …, after a warm-up of each: what the machine does besides falls on both. The ratio is the
 * median of the rounds' own ratios.
 */
export const compare = async (
  name: string,
  target: number,
  baseline: Omit<Load, 'seconds'>,
  subject: Omit<Load, 'seconds'>,
  seconds: number,
): Promise<Comparison> => {
  await load({ ...baseline, seconds: 1 });
  await load({ ...subject, seconds: 2 });
  const rounds: { a: Measured; b: Measured }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    rounds.push({ a: await load({ ...baseline, seconds }), b: await load({ ...subject, seconds }) });
  }
  return {
    name,
    target,
    baseline: medianOf(rounds.map(({ a }) => a)),
    subject: medianOf(rounds.map(({ b }) => b)),
    ratio: median(rounds.map(({ a, b }) => b.requestsPerSecond / a.requestsPerSecond)),
    p99Ratio: median(rounds.map(({ a, b }) => b.p99Ms / a.p99Ms)),
  };
};
