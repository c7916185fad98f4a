import type { Allow } from '../../core/decision.ts';
import { type HeaderLines, linesOf } from '../header-lines.ts';

/**
 * What a permission says to the application and to the client, in one answer: the proxy's configuration says who gets which.
 * A header that both are told stands there once.
 */
export const allowLines = ({ upstream, client }: Allow): HeaderLines =>
  linesOf(Object.keys(client).length === 0 ? upstream : { ...client, ...upstream });
