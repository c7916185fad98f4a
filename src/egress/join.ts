import { type Refusal, refuse } from '../core/refusal.ts';
import { type CallPath, isBelow, stripPrefix, trimPrefix } from './call-path.ts';

export type Joining = Readonly<{
  /** Without a slash at their ends; empty for the root. */
  strip: string;
  base: string;
  /** The base path, and what the route puts before the path. */
  before: string;
}>;

/** `basePath` is the path of the target's URL; the prefixes are the route's. */
export const createJoining = (
  basePath: string,
  stripped: string | undefined,
  rewritten: string | undefined,
): Joining => {
  const base = trimPrefix(basePath);
  return { strip: trimPrefix(stripped ?? ''), base, before: base + trimPrefix(rewritten ?? '') };
};

const outside = refuse('ambiguous_path', 'The path leads out of the target.');

/**
 * The target's base path, what the route puts before the path, and what is left of the caller's own: percent-encoded, without
 * the query. It begins with one slash and stays below the base path, or is refused.
 */
export const joinPath = (path: CallPath, { strip, base, before }: Joining): string | Refusal => {
  const joined = before + stripPrefix(path, strip) || '/';
  // What was read before leaves nothing to find here; were that ever wrong, nothing would be sent.
  const isContained = joined.charCodeAt(0) === 0x2f && joined.charCodeAt(1) !== 0x2f && isBelow(joined, base);
  return isContained ? joined : outside;
};
