import type { Allow } from '../../core/decision.ts';
import { HeaderLines, linesOf } from '../header-lines.ts';

/**
 * What a permission says to the application and to the client, in one answer: the proxy's configuration says who gets which.
 * A header that both are told stands there once. `taken`: names under which the client cannot be told anything.
 */
export const allowLines = ({ upstream, client }: Allow, taken: readonly string[] = []): readonly HeaderLines[] => {
  const isSaid = (name: string): boolean => Object.hasOwn(upstream, name) || taken.includes(name);
  const lines = linesOf(upstream);
  const names = Object.keys(client);
  if (!names.some(isSaid)) return names.length === 0 ? [lines] : [lines, new HeaderLines(client)];
  const told = Object.entries(client).filter(([name]) => !isSaid(name));
  return told.length === 0 ? [lines] : [lines, new HeaderLines(Object.fromEntries(told))];
};
