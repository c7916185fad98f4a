import { createBlindingStock } from './blinding-stock.ts';
import { loadLibsecp256k1 } from './libsecp256k1.ts';
import { createCurveOnLoop } from './on-loop.ts';
import type { Curve } from './operations.ts';
import { type CurvePool, createCurvePool } from './pool.ts';

export type OpenCurve = Curve & Readonly<{ engine: 'libsecp256k1' | 'cashu-ts'; close(): Promise<void> }>;

type Engine = CurvePool & Pick<OpenCurve, 'engine'>;

/** Payments that begin together have drawn theirs by then. */
const REFILL_AFTER_MS = 20;

const openEngine = (load: typeof loadLibsecp256k1): Engine => {
  const operations = load();
  const pool = createCurvePool(operations !== undefined);
  if (!operations) return { ...pool, engine: 'cashu-ts' };
  return { ...createCurveOnLoop(operations, pool), engine: 'libsecp256k1', close: pool.close };
};

/** The fast one if this machine has it, or else the one that runs everywhere, on threads of its own. */
export const openCurve = async (load: typeof loadLibsecp256k1 = loadLibsecp256k1): Promise<OpenCurve> => {
  const engine = openEngine(load);
  const stock = createBlindingStock({
    blind: engine.blind,
    later: (run) => setTimeout(run, REFILL_AFTER_MS).unref(),
  });
  return {
    ...engine,
    drawBlinding: stock.draw,
    close() {
      stock.close();
      return engine.close();
    },
  };
};
