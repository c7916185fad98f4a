import type { Finding } from './finding.ts';
import { type Path, startsWith } from './path.ts';
import { configSchema, type Parsed } from './schema/config.ts';
import { isMapping } from './schema/forms.ts';
import { schemaFindings } from './schema-findings.ts';

export type Shape = Readonly<{
  /** Missing when nothing could be saved. */
  parsed: Parsed | undefined;
  findings: readonly Finding[];
  /** Turns a path of `parsed` into the path in the file: what could not be read was left out, and lists closed up. */
  original: (path: Path) => Path;
}>;

// Compiling a fast parser pays off over thousands of parses; a configuration is parsed once.
const options = { jitless: true, reportInput: true } as const;

const unchanged = (path: Path): Path => path;

/** With more mistakes than this, what is left says nothing about the file that was meant. */
const mostToRepair = 200;

/** zod passes its issues on as arguments of calls; a hundred thousand of them exhaust the stack. */
const parse = (value: unknown): ReturnType<typeof configSchema.safeParse> | undefined => {
  try {
    return configSchema.safeParse(value, options);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
};

const hopeless: Shape = {
  parsed: undefined,
  findings: [{ path: [], message: 'more mistakes than can be listed', hint: 'is this the right file?' }],
  original: unchanged,
};

/** Checks names and types. After a mistake the rest is read all the same, so that it can be checked in the same run. */
export const checkShape = (value: unknown, writtenPath: (path: Path) => Path): Shape => {
  const first = parse(value);
  if (!first) return hopeless;
  if (first.success) return { parsed: first.data, findings: [], original: unchanged };
  const findings = schemaFindings(configSchema, first.error.issues);
  const removed: Path[] = [];
  if (findings.length > mostToRepair) return { parsed: undefined, findings, original: unchanged };
  // Each round takes off at least one value, or gives up; forty is deeper than a file may nest.
  for (let round = 0; round < 40; round += 1) {
    const repaired = configSchema.safeParse(without(value, removed), options);
    if (repaired.success) return { parsed: repaired.data, findings, original: (path) => restored(path, removed) };
    const next = schemaFindings(configSchema, repaired.error.issues).map(({ path }) =>
      outside(removed, present(value, writtenPath(restored(path, removed)))),
    );
    if (next.length === 0 || next.some((path) => path.length === 0)) break;
    removed.push(...next);
  }
  return { parsed: undefined, findings, original: unchanged };
};

/** The path itself where a value stands there, else the nearest block around it: a block that lacks a key goes as a whole. */
const present = (value: unknown, path: Path): Path => {
  let raw = value;
  for (const [index, segment] of path.entries()) {
    raw = Array.isArray(raw) ? raw[Number(segment)] : isMapping(raw) ? raw[segment] : undefined;
    if (raw === undefined) return path.slice(0, index);
  }
  return path;
};

/** What is missing because it was taken off takes the block around it along. */
const outside = (removed: readonly Path[], path: Path): Path => {
  const gone = removed.find((prefix) => startsWith(path, prefix));
  return gone ? outside(removed, gone.slice(0, -1)) : path;
};

const without = (raw: unknown, removed: readonly Path[], path: Path = []): unknown => {
  const stays = (segment: string | number) =>
    !removed.some((gone) => gone.length === path.length + 1 && startsWith([...path, segment], gone));
  if (Array.isArray(raw))
    return raw.flatMap((item, index) => (stays(index) ? [without(item, removed, [...path, index])] : []));
  if (!isMapping(raw)) return raw;
  const kept = Object.entries(raw).filter(([key]) => stays(key));
  return Object.fromEntries(kept.map(([key, inner]) => [key, without(inner, removed, [...path, key])]));
};

/** Lists closed up where items were removed; this counts the gaps back in. */
const restored = (path: Path, removed: readonly Path[]): Path => {
  const original: (string | number)[] = [];
  for (const segment of path) {
    const before = original.length;
    const gaps = removed
      .filter((gone) => gone.length === before + 1 && startsWith(gone, original))
      .map((gone) => Number(gone[before]))
      .sort((a, b) => a - b);
    const closed = (index: number) => gaps.reduce((open, gap) => (gap <= open ? open + 1 : open), index);
    original.push(typeof segment === 'number' ? closed(segment) : segment);
  }
  return original;
};
