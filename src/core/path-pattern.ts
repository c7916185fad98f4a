/**
 * Path globs: `*` stands for one segment or a part of one, `**` for any number of whole segments, also none, so that
 * `/orders/**` matches `/orders` too. A slash at the end makes no difference. Escapes are read as in requests.
 */
import { parseTarget } from './canonical.ts';
import { isRefusal } from './refusal.ts';

type Segment =
  | Readonly<{ kind: 'literal'; text: string }>
  | Readonly<{ kind: 'glob'; text: string; literalLength: number; matches: (segment: string) => boolean }>
  | Readonly<{ kind: 'any' }>
  | Readonly<{ kind: 'deep' }>;

export type PathPattern = Readonly<{ text: string; segments: readonly Segment[] }>;

/** The segments of a canonical path or pattern; a slash at the end adds none. */
export const segmentsOf = (path: string): string[] => {
  const segments: string[] = [];
  let from = 1;
  for (let slash = path.indexOf('/', from); slash >= 0; slash = path.indexOf('/', from)) {
    segments.push(path.slice(from, slash));
    from = slash + 1;
  }
  if (from < path.length) segments.push(path.slice(from));
  return segments;
};

const escapeForRegExp = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

const parseSegment = (text: string): Segment => {
  if (text === '**') return { kind: 'deep' };
  if (text === '*') return { kind: 'any' };
  if (!text.includes('*')) return { kind: 'literal', text };
  const expression = new RegExp(`^${text.split('*').map(escapeForRegExp).join('[^]*')}$`);
  return {
    kind: 'glob',
    text,
    literalLength: text.replaceAll('*', '').length,
    matches: (segment) => expression.test(segment),
  };
};

/** As it stands in an address, where that has one reading: requests are compared by their decoded path. */
const decoded = (text: string): string | undefined => {
  if (!text.includes('%')) return text;
  const target = /%2a/i.test(text) ? undefined : parseTarget(text);
  return target === undefined || isRefusal(target) ? undefined : target.path;
};

/** Gives the pattern, or a sentence that says what is wrong with it. */
export const parsePathPattern = (written: string): PathPattern | string => {
  if (!written.startsWith('/')) return 'a path begins with a slash';
  if (written.includes('//')) return 'a path has no empty segment';
  if (/[?#\\;]/.test(written)) return 'a path has no query, fragment, backslash or semicolon';
  const path = decoded(written);
  if (path === undefined) return 'a path has an escape that no request may have, or is escaped only in part';
  const parts = segmentsOf(path);
  if (parts.some((part) => part === '.' || part === '..')) return 'a path has no dot segment';
  if (parts.some((part) => part !== '**' && part.includes('**'))) return '** stands for whole segments, as in /a/**';
  if (parts.some((part) => part.split('*').length > 4)) return 'a segment has at most three *';
  if (parts.filter((part) => part === '**').length > 1) return '** may stand once in a path';
  return { text: written, segments: parts.map(parseSegment) };
};

const rank = { literal: 0, glob: 1, any: 2, deep: 3 } as const;

/** How one segment compares with another; undefined where the segments after them decide. */
const compareSegments = (a: Segment, b: Segment): number | undefined => {
  if (a.kind !== b.kind) return rank[a.kind] - rank[b.kind];
  if (a.kind !== 'glob' || b.kind !== 'glob' || a.text === b.text) return undefined;
  return b.literalLength - a.literalLength;
};

/**
 * Which of two patterns that match the same path is the more specific: a negative number for `a`, a positive one for `b`,
 * 0 where neither is. Decided by the first unlike segment: literal, then glob, then `*`, then `**`.
 */
export const compareSpecificity = (a: PathPattern, b: PathPattern): number => {
  for (const [index, left] of a.segments.entries()) {
    const right = b.segments[index];
    if (!right) break;
    const order = compareSegments(left, right);
    if (order !== undefined) return order;
    if (left.kind === 'deep' && a.segments.length !== b.segments.length) return b.segments.length - a.segments.length;
  }
  // Where one ends, the other goes on with `**`: the exact end is the more specific.
  return a.segments.length - b.segments.length;
};

/** Can a path exist that both patterns match? Errs, if at all, towards yes. */
export const mayOverlap = (a: PathPattern, b: PathPattern): boolean => segmentsMayOverlap(a.segments, b.segments);

const segmentsMayOverlap = (a: readonly Segment[], b: readonly Segment[]): boolean => {
  const [left, ...leftRest] = a;
  const [right, ...rightRest] = b;
  if (left?.kind === 'deep')
    return segmentsMayOverlap(leftRest, b) || (right !== undefined && segmentsMayOverlap(a, rightRest));
  if (right?.kind === 'deep') return segmentsMayOverlap(b, a);
  if (!left || !right) return left === right;
  return segmentMayOverlap(left, right) && segmentsMayOverlap(leftRest, rightRest);
};

const segmentMayOverlap = (left: Segment, right: Segment): boolean => {
  if (left.kind === 'literal' && right.kind === 'literal') return left.text === right.text;
  if (left.kind === 'glob' && right.kind === 'literal') return left.matches(right.text);
  if (left.kind === 'literal' && right.kind === 'glob') return right.matches(left.text);
  if (left.kind === 'glob' && right.kind === 'glob') return globsMayOverlap(left.text, right.text);
  return true;
};

/** Two globs overlap when their fixed beginnings agree and their fixed ends agree: the stars between take the rest. */
const globsMayOverlap = (a: string, b: string): boolean => {
  const head = (text: string) => text.slice(0, text.indexOf('*'));
  const tail = (text: string) => text.slice(text.lastIndexOf('*') + 1);
  return (
    (head(a).startsWith(head(b)) || head(b).startsWith(head(a))) &&
    (tail(a).endsWith(tail(b)) || tail(b).endsWith(tail(a)))
  );
};
