/** Blindings that are drawn ahead, so that a payer does not wait for them. They fit any amount of any keyset. */
import { randomBytes } from 'node:crypto';
import type { CurveOperations, DrawnBlinding } from './operations.ts';

export type BlindingStock = Readonly<{
  /** Gives each blinding once. */
  draw(): Promise<DrawnBlinding>;
  /** Draws nothing more ahead. */
  close(): void;
}>;

export type BlindingStockOptions = Readonly<{
  blind: (blinding: Parameters<CurveOperations['blind']>[0]) => Promise<string>;
  /** Runs it when those who draw now have had their turn. */
  later: (run: () => void) => void;
}>;

/** Enough for some ten payments at once; a burst beyond that draws for itself. */
const MOST_IN_STOCK = 64;

export const createBlindingStock = ({ blind, later }: BlindingStockOptions): BlindingStock => {
  const stock: DrawnBlinding[] = [];
  let filling = false;
  let closed = false;

  const make = async (): Promise<DrawnBlinding> => {
    const random = randomBytes(64).toString('hex');
    const blinding = { secret: random.slice(0, 64), blindingFactor: random.slice(64) };
    return { ...blinding, B_: await blind(blinding) };
  };

  const fill = async (): Promise<void> => {
    try {
      while (stock.length < MOST_IN_STOCK && !closed) stock.push(await make());
    } catch {
      // Whoever draws next is told.
    } finally {
      filling = false;
    }
  };

  return {
    async draw() {
      if (!filling && !closed) later(() => void fill());
      filling = true;
      return stock.pop() ?? make();
    },

    close() {
      closed = true;
    },
  };
};
