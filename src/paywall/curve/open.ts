import { loadLibsecp256k1 } from './libsecp256k1.ts';
import { createCurveOnLoop } from './on-loop.ts';
import type { CurvePool } from './pool.ts';

export type OpenCurve = CurvePool & Readonly<{ engine: 'libsecp256k1' | 'cashu-ts' }>;

/** The fast one if this machine has it, or else the one that runs everywhere, on threads of its own. */
export const openCurve = async (load: typeof loadLibsecp256k1 = loadLibsecp256k1): Promise<OpenCurve> => {
  const operations = load();
  if (operations) return { ...createCurveOnLoop(operations), engine: 'libsecp256k1', close: async () => undefined };
  const { createCurvePool } = await import('./pool.ts');
  return { ...createCurvePool(), engine: 'cashu-ts' };
};
