/** Operations of some 50 µs on the thread that asks for them, with room for everything else between slices of a few. */
import type { CurveEngine, CurveOperations } from './operations.ts';

/** What callers wait at most while others' points are reckoned. */
const SLICE_MS = 2;

type Work = () => void;

/** Runs in order what it is given, a slice in each turn of the event loop. */
const createTurns = () => {
  const waiting: Work[] = [];
  let begun = false;

  const turn = (): void => {
    const until = performance.now() + SLICE_MS;
    for (let work = waiting.shift(); work; work = waiting.shift()) {
      work();
      if (performance.now() >= until) break;
    }
    begun = waiting.length > 0;
    if (begun) setImmediate(turn);
  };

  return (work: Work): void => {
    waiting.push(work);
    if (!begun) setImmediate(turn);
    begun = true;
  };
};

/** `pool` does what takes longer. */
export const createCurveOnLoop = (operations: CurveOperations, pool: Pick<CurveEngine, 'areProven'>): CurveEngine => {
  const queue = createTurns();

  const later =
    <Value, Result>(operation: (value: Value) => Result) =>
    (value: Value): Promise<Result> => {
      const { promise, resolve, reject } = Promise.withResolvers<Result>();
      queue(() => {
        try {
          resolve(operation(value));
        } catch (error) {
          reject(error);
        }
      });
      return promise;
    };

  return {
    hashToCurve: later(operations.hashToCurve),
    blind: later(operations.blind),
    unblind: later(operations.unblind),
    isPoint: later(operations.isPoint),
    sign: later(operations.sign),
    areProven: pool.areProven,
  };
};
