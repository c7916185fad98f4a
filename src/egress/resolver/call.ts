/** The call that a sandbox wants to make, in the canonical form on which it is decided. */
import { parseHost, parseMethod, parseTarget } from '../../core/canonical.ts';
import { isRefusal, type Refusal, refuse } from '../../core/refusal.ts';

export type Call = Readonly<{ method: string; host: string; path: string }>;

/** RFC 3986 section 2.3: `%76` and `v` are one, but not to a proxy that chooses its route by the path as it came. */
const disguised = /%(?:2d|3[0-9]|4[1-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9ae])/i;

const disguise = refuse(
  'ambiguous_path',
  'The path has an escape of a letter, a digit, "-", "_" or "~". Send it in its plain form.',
);

export const readCall = (method: string | undefined, host: string | undefined, target: string): Call | Refusal => {
  const canonicalMethod = parseMethod(method);
  if (isRefusal(canonicalMethod)) return canonicalMethod;
  const canonicalHost = parseHost(host);
  if (isRefusal(canonicalHost)) return canonicalHost;
  const read = parseTarget(target);
  if (isRefusal(read)) return read;
  // Only paths that were decoded can hide anything.
  const mark = target.indexOf('?');
  if (disguised.test(mark < 0 ? target : target.slice(0, mark))) return disguise;
  return { method: canonicalMethod, host: canonicalHost, path: read.path };
};
