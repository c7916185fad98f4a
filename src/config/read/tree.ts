import { type Alias, isAlias, isMap, isScalar, isSeq, type Node, type Pair, type YAMLMap } from 'yaml';
import type { Finding } from '../finding.ts';
import type { Path } from '../path.ts';
import { type Environment, interpolate } from './interpolate.ts';
import type { Position, Spot } from './spot.ts';
import { Variable } from './variable.ts';

/** Plain values as YAML has them, with variables replaced, and beside them where each stands. */
export type Tree = Readonly<{ value: unknown; spot: Spot }>;

/** Deeper than any real configuration, and shallow enough for every later walk to be plain recursion. */
const deepest = 40;

/** Aliases may repeat blocks, not multiply them without end (the "billion laughs" file). */
const mostAliased = 10_000;

type Reading = {
  readonly position: (node: Node | null | undefined) => Position | undefined;
  /** Undefined where the text is no configuration of ours, and has no variables. */
  readonly env: Environment | undefined;
  readonly report: (finding: Finding, at: Position) => void;
  readonly anchors: Map<string, Node>;
  /** The aliases being read, outermost first. */
  readonly open: Node[];
  aliased: number;
};

type Context = Readonly<{ path: Path; at: Position }>;

export const readTree = (
  contents: Node | null,
  position: Reading['position'],
  env: Environment | undefined,
  report: Reading['report'],
): Tree => {
  const reading: Reading = { position, env, report, anchors: new Map(), open: [], aliased: 0 };
  return readNode(reading, contents, { path: [], at: { line: 1, column: 1 } });
};

const readNode = (reading: Reading, node: Node | null, { path, at: outer }: Context): Tree => {
  const at = reading.open.length > 0 ? outer : (reading.position(node) ?? outer);
  const context = { path, at };
  if (reading.open.length > 0) reading.aliased += 1;
  else if (node && !isAlias(node) && node.anchor) reading.anchors.set(node.anchor, node);
  if (path.length > deepest) return refuse(reading, context, `nested more than ${deepest} levels deep`);
  if (isAlias(node)) return readAlias(reading, node, context);
  if (isMap(node)) return readMap(reading, node, context);
  if (isSeq(node)) {
    const items = node.items.map((item, index) => readNode(reading, asNode(item), { path: [...path, index], at }));
    const children = new Map(items.map(({ spot }, index) => [index, spot] as const));
    return { value: items.map(({ value }) => value), spot: { value: at, children } };
  }
  if (isScalar(node) && typeof node.value === 'string')
    return readText(reading, node.value, node.type === 'PLAIN', context);
  return { value: isScalar(node) ? node.value : null, spot: { value: at } };
};

const asNode = (item: unknown): Node | null =>
  isAlias(item) || isMap(item) || isSeq(item) || isScalar(item) ? item : null;

const refuse = ({ report }: Reading, { path, at }: Context, message: string, hint?: string): Tree => {
  report({ path, message, ...(hint && { hint }) }, at);
  return { value: undefined, spot: { value: at } };
};

/** What an alias repeats stands, for every message, where the alias stands. */
const readAlias = (reading: Reading, alias: Alias, context: Context): Tree => {
  const target = reading.anchors.get(alias.source);
  if (!target) return refuse(reading, context, 'no anchor (&name) of this name comes before the alias');
  if (reading.open.includes(target))
    return refuse(reading, context, 'the alias repeats a block that holds the alias itself');
  if (reading.aliased > mostAliased) return refuseOnce(reading, context);
  reading.open.push(target);
  const tree = readNode(reading, target, context);
  reading.open.pop();
  return tree;
};

const refuseOnce = (reading: Reading, context: Context): Tree => {
  const told = reading.aliased === Number.POSITIVE_INFINITY;
  reading.aliased = Number.POSITIVE_INFINITY;
  return told
    ? { value: undefined, spot: { value: context.at } }
    : refuse(reading, context, `aliases repeat more than ${mostAliased} values`);
};

const keyOf = (key: unknown): string | undefined => {
  if (!isScalar(key)) return undefined;
  return typeof key.value === 'string' ? key.value : (key.source ?? undefined);
};

const readMap = (reading: Reading, map: YAMLMap, context: Context): Tree => {
  const value: Record<string, unknown> = {};
  const children = new Map<string | number, Spot>();
  const merged: Tree[] = [];
  for (const pair of map.items) {
    const at = reading.open.length > 0 ? context.at : (reading.position(asNode(pair.key)) ?? context.at);
    const key = keyOf(pair.key);
    const inner = { path: [...context.path, key ?? ''], at };
    if (key === undefined || key === '' || key === '__proto__')
      refuse(reading, inner, 'not a usable key; a key must be plain text');
    else if (key === '<<') merged.push(...readMerge(reading, pair, context));
    else if (children.has(key)) refuse(reading, inner, 'the key is there twice', secondPlace(children.get(key)));
    else {
      const tree = readNode(reading, asNode(pair.value), inner);
      value[key] = tree.value;
      children.set(key, { ...tree.spot, key: at });
    }
  }
  for (const tree of merged) mergeInto(value, children, tree);
  return { value, spot: { value: context.at, children } };
};

const secondPlace = (first: Spot | undefined): string => `the first is in line ${first?.key?.line ?? 0}; keep one`;

/** `<<: *defaults` or `<<: [*a, *b]`: keys the mapping does not write itself. */
const readMerge = (reading: Reading, pair: Pair, context: Context): Tree[] => {
  const tree = readNode(reading, asNode(pair.value), { path: [...context.path, '<<'], at: context.at });
  const sources = Array.isArray(tree.value) ? tree.value : [tree.value];
  const spots = Array.isArray(tree.value) ? [...(tree.spot.children?.values() ?? [])] : [tree.spot];
  return sources.flatMap((value, index) => {
    const spot = spots[index];
    if (spot?.children && typeof value === 'object') return [{ value, spot }];
    refuse(reading, { path: [...context.path, '<<'], at: context.at }, 'only mappings can be merged');
    return [];
  });
};

const mergeInto = (value: Record<string, unknown>, children: Map<string | number, Spot>, tree: Tree): void => {
  for (const [key, inner] of Object.entries(Object(tree.value))) {
    const spot = tree.spot.children?.get(key);
    if (children.has(key) || !spot) continue;
    value[key] = inner;
    children.set(key, spot);
  }
};

const readText = (reading: Reading, source: string, plain: boolean, { path, at }: Context): Tree => {
  if (!reading.env) return { value: source, spot: { value: at } };
  const { text, missing, malformed, whole, changed } = interpolate(source, reading.env);
  for (const name of missing)
    reading.report(
      {
        path,
        message: `the environment variable ${name} is not set`,
        hint: `set ${name}, or write \${${name}:-default}`,
        missingVariable: true,
      },
      at,
    );
  if (malformed)
    reading.report(
      {
        path,
        message: 'not a variable',
        expected: `\${NAME} or \${NAME:-default}`,
        hint: `write $\${ for a literal \${`,
      },
      at,
    );
  const value = whole === undefined ? text : new Variable(whole, text, { missing: missing.length > 0, plain });
  return { value, spot: { value: at, ...(changed && { source }) } };
};
