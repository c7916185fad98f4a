/** Semantic versions as OPA compares them: https://semver.org, without a leading `v`. */

type Version = Readonly<{ numbers: readonly bigint[]; pre: readonly string[] }>;

const form = /^(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;

const LONGEST = 256;

const parse = (text: unknown): Version | undefined => {
  if (typeof text !== 'string' || text.length > LONGEST) return undefined;
  const [, major, minor, patch, pre] = form.exec(text) ?? [];
  if (major === undefined || minor === undefined || patch === undefined) return undefined;
  return { numbers: [BigInt(major), BigInt(minor), BigInt(patch)], pre: pre === undefined ? [] : pre.split('.') };
};

const order = <T extends bigint | string | number>(one: T, other: T): number =>
  one < other ? -1 : one > other ? 1 : 0;

/** Numbers by their value and before words, words by their characters. */
const comparePart = (one: string, other: string): number => {
  const [isNumber, isOtherNumber] = [/^\d+$/.test(one), /^\d+$/.test(other)];
  if (isNumber && isOtherNumber) return order(BigInt(one), BigInt(other));
  return isNumber === isOtherNumber ? order(one, other) : isNumber ? -1 : 1;
};

const comparePre = (one: readonly string[], other: readonly string[]): number => {
  if (one.length === 0 || other.length === 0) return order(other.length, one.length) && (one.length === 0 ? 1 : -1);
  for (const [index, part] of one.entries()) {
    const otherPart = other[index];
    if (otherPart === undefined) return 1;
    const found = comparePart(part, otherPart);
    if (found !== 0) return found;
  }
  return order(one.length, other.length);
};

/** -1, 0 or 1; undefined where one of them is no version. */
export const compareVersions = (one: unknown, other: unknown): number | undefined => {
  const [a, b] = [parse(one), parse(other)];
  if (!a || !b) return undefined;
  for (const [index, number] of a.numbers.entries()) {
    const found = order(number, b.numbers[index] ?? 0n);
    if (found !== 0) return found;
  }
  return comparePre(a.pre, b.pre);
};

export const isVersion = (text: unknown): boolean => parse(text) !== undefined;
