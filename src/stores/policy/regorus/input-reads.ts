/**
 * What policies can see of an input, from their syntax: every mention of `input`, and the names after it for as long as they are
 * literal. More may be found than is read, where a local name hides `input`; less cannot, for there is no other way to it.
 */
import { z } from 'zod';

const modules = z.array(z.object({ ast: z.looseObject({ imports: z.unknown(), rules: z.unknown() }) }));

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

const input = z.object({ Var: z.object({ value: z.literal('input') }) });
const isInput = (value: unknown): boolean => isObject(value) && 'Var' in value && input.safeParse(value).success;

const member = z.object({ RefDot: z.object({ refr: z.unknown(), field: z.tuple([z.unknown(), z.string()]) }) });
const element = z.object({ RefBrack: z.object({ refr: z.unknown(), index: z.unknown() }) });
const text = z.union([
  z.object({ String: z.object({ value: z.string() }) }).transform(({ String: { value } }) => value),
  z.object({ RawString: z.object({ value: z.string() }) }).transform(({ RawString: { value } }) => value),
]);

type Reference = Readonly<{
  root: unknown;
  /** Names from the root on, up to the first that is not literal. */
  path: readonly string[];
  /** Whatever else stands in it. */
  others: readonly unknown[];
}>;

const referenceOf = (value: object): Reference | undefined => {
  if (!('RefDot' in value || 'RefBrack' in value)) return undefined;
  const steps: (string | undefined)[] = [];
  const others: unknown[] = [];
  let root: unknown = value;
  for (;;) {
    const dot = member.safeParse(root);
    if (dot.success) {
      steps.push(dot.data.RefDot.field[1]);
      root = dot.data.RefDot.refr;
      continue;
    }
    const brack = element.safeParse(root);
    if (!brack.success) break;
    const { refr, index } = brack.data.RefBrack;
    const name = text.safeParse(index);
    if (!name.success) others.push(index);
    steps.push(name.success ? name.data : undefined);
    root = refr;
  }
  if (root === value) return undefined;
  const fromRoot = steps.toReversed();
  const end = fromRoot.indexOf(undefined);
  const path = fromRoot.slice(0, end < 0 ? fromRoot.length : end).filter((step) => step !== undefined);
  return { root, path, others };
};

const keyOf = (group: string, name: string): string => JSON.stringify([group, name]);

/** `syntax` is that of all policies, as an instance gives it. Whether `input.GROUP.MEMBER`, or all of `input.GROUP`, can be seen. */
export const inputReads = (syntax: string): ((group: string, member?: string) => boolean) => {
  let seesAll = false;
  const groups = new Set<string>();
  const members = new Set<string>();

  const see = ([group, name]: readonly string[]): void => {
    if (group === undefined) seesAll = true;
    else if (name === undefined) groups.add(group);
    else members.add(keyOf(group, name));
  };

  // Without recursion: policies nest as they like.
  const pending: unknown[] = modules.parse(JSON.parse(syntax)).map(({ ast }) => ast);
  while (pending.length > 0) {
    const value = pending.pop();
    if (!isObject(value)) continue;
    const reference = referenceOf(value);
    if (reference) {
      pending.push(...reference.others);
      if (isInput(reference.root)) see(reference.path);
      else pending.push(reference.root);
    } else if (isInput(value)) see([]);
    else pending.push(...Object.values(value));
  }

  return (group, name) => seesAll || groups.has(group) || (name !== undefined && members.has(keyOf(group, name)));
};
