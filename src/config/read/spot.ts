import type { Path } from '../path.ts';

export type Position = Readonly<{ line: number; column: number }>;

/** Where a value, and its key, stand in the file. */
export type Spot = {
  value: Position;
  key?: Position;
  /** What the file says where variables were replaced: messages show this, never the value. */
  source?: string;
  /** Missing for a scalar. */
  children?: Map<string | number, Spot>;
};

/** What short forms put between a block and its keys: `jwt.audience` is checked as `jwt.issuers[0].audience`, `price.unit` as `price[0].unit`. */
const insertedByShortForms: readonly Path[] = [['issuers', 0], ['allow'], [0]];

const insertedAt = (spot: Spot, rest: Path): number =>
  insertedByShortForms.find((inserted) => inserted.every((segment, index) => rest[index] === segment))?.length ??
  (spot.children ? 0 : rest.length);

export type Located = Readonly<{ spot: Spot; written: Path; exact: boolean }>;

/** The spot of a checked path, and that path as the file writes it; for a key that is absent, the spot it should be in. */
export const locate = (root: Spot, path: Path): Located => {
  let spot = root;
  const written: (string | number)[] = [];
  for (let index = 0; index < path.length; ) {
    const segment = path[index] ?? '';
    const child = spot.children?.get(segment);
    if (child) {
      spot = child;
      written.push(segment);
      index += 1;
      continue;
    }
    const skipped = insertedAt(spot, path.slice(index));
    if (skipped === 0) return { spot, written: [...written, ...path.slice(index)], exact: false };
    index += skipped;
  }
  return { spot, written, exact: true };
};
