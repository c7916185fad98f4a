import { after } from 'node:test';
import type { Owner } from '../servers/last-resort.ts';

/**
 * Owns what a `before` starts for a whole file. What a file starts outside of every hook is left behind when starting
 * fails, and `after` within a hook ends with that hook.
 */
export const ownerOfFile = (): Owner => {
  const cleanUps: (() => Promise<void>)[] = [];
  after(async () => {
    for (const cleanUp of cleanUps.toReversed()) await cleanUp();
  });
  return { after: (cleanUp) => void cleanUps.push(cleanUp) };
};
