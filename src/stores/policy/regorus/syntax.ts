/** The syntax trees of policies, as regorus tells them in JSON: what is looked for in them is found by these pieces. */
import { z } from 'zod';

const span = z.object({ start: z.number(), end: z.number() });
const modules = z.array(
  z.object({
    source: z.object({ file: z.string(), contents: z.string() }),
    ast: z.looseObject({
      package: z.object({ span, refr: z.unknown() }),
      imports: z.array(z.object({ refr: z.unknown(), as: span.nullish() })),
      rules: z.array(z.unknown()),
    }),
  }),
);

export type Module = z.infer<typeof modules>[number];

/** `syntax` is that of all policies, as an instance gives it. */
export const readModules = (syntax: string): readonly Module[] => modules.parse(JSON.parse(syntax));

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** Every value below, the object before what it holds; `into` says what of it. Without recursion: policies nest as they like. */
export const walk = (root: unknown, into: (value: object) => readonly unknown[]): void => {
  const pending: unknown[] = [root];
  while (pending.length > 0) {
    const value = pending.pop();
    if (isObject(value)) pending.push(...into(value));
  }
};

const variable = z.object({ Var: z.object({ value: z.string() }) });
const member = z.object({ RefDot: z.object({ refr: z.unknown(), field: z.tuple([z.unknown(), z.string()]) }) });
const element = z.object({ RefBrack: z.object({ refr: z.unknown(), index: z.unknown() }) });
const text = z.union([
  z.object({ String: z.object({ value: z.string() }) }).transform(({ String: { value } }) => value),
  z.object({ RawString: z.object({ value: z.string() }) }).transform(({ RawString: { value } }) => value),
]);

/** A name, alone or with what follows it: `input`, `data.roles[x].names`. */
export type Mention = Readonly<{
  name: string;
  /** What follows, up to the first step that is not literal. */
  path: readonly string[];
  /** Whether all steps are. */
  isLiteral: boolean;
  /** Whatever else stands in it. */
  others: readonly unknown[];
}>;

/** Undefined for anything that does not begin with a name. */
export const mentionOf = (value: unknown): Mention | undefined => {
  if (!(isObject(value) && ('Var' in value || 'RefDot' in value || 'RefBrack' in value))) return undefined;
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
  const name = variable.safeParse(root).data?.Var.value;
  if (name === undefined) return undefined;
  const fromRoot = steps.toReversed();
  const end = fromRoot.indexOf(undefined);
  const path = fromRoot.slice(0, end < 0 ? fromRoot.length : end).filter((step) => step !== undefined);
  return { name, path, isLiteral: end < 0, others };
};

/** Calls `see` with every mention below. */
export const seeMentions = (root: unknown, see: (mention: Mention) => void): void =>
  walk(root, (value) => {
    const mention = mentionOf(value);
    if (!mention) return Object.values(value);
    see(mention);
    return mention.others;
  });
