/**
 * How policies read the clock, from their syntax. Most only ask whether a moment that the input or they themselves name has come, such
 * as `input.token.exp > time.now_ns() / 1000000000`: between two such moments nothing that they answer can change.
 */
import { z } from 'zod';
import { type Module, mentionOf, walk } from './syntax.ts';

/** A moment: a number, or what the input has at `path`; times `toMs` it is in milliseconds since 1970. */
export type Moment = Readonly<{ at: number | readonly string[]; toMs: number }>;

const NS_PER_MS = 1e6;

const comparison = z.object({
  BoolExpr: z.object({ op: z.enum(['Lt', 'Le', 'Gt', 'Ge']), lhs: z.unknown(), rhs: z.unknown() }),
});
const quotient = z.object({ ArithExpr: z.object({ op: z.literal('Div'), lhs: z.unknown(), rhs: z.unknown() }) });
const product = z.object({ ArithExpr: z.object({ op: z.literal('Mul'), lhs: z.unknown(), rhs: z.unknown() }) });
const call = z.object({ Call: z.object({ fcn: z.unknown(), params: z.tuple([]) }) });
const literal = z.object({ Number: z.object({ value: z.number().positive() }) });

const numberOf = (value: unknown): number | undefined => literal.safeParse(value).data?.Number.value;

const isClock = (value: unknown): boolean => {
  const called = call.safeParse(value);
  const mention = called.success ? mentionOf(called.data.Call.fcn) : undefined;
  return mention?.name === 'time' && mention.isLiteral && mention.path.join() === 'now_ns';
};

/** What `time.now_ns()` is divided by; undefined for anything else. */
const divisorOf = (value: unknown): number | undefined => {
  if (isClock(value)) return 1;
  const { data } = quotient.safeParse(value);
  return data && isClock(data.ArithExpr.lhs) ? numberOf(data.ArithExpr.rhs) : undefined;
};

const namedMoment = (value: unknown): Moment | undefined => {
  const number = numberOf(value);
  if (number !== undefined) return { at: number, toMs: 1 };
  const mention = mentionOf(value);
  return mention?.name === 'input' && mention.isLiteral && mention.path.length > 1
    ? { at: mention.path, toMs: 1 }
    : undefined;
};

const momentOf = (value: unknown): Moment | undefined => {
  const { data } = product.safeParse(value);
  if (!data) return namedMoment(value);
  const moment = namedMoment(data.ArithExpr.lhs);
  const times = numberOf(data.ArithExpr.rhs);
  return moment && times !== undefined ? { ...moment, toMs: times } : undefined;
};

/** The moment that the clock is compared with; undefined for anything that is no such comparison. */
const comparedIn = (value: unknown): Moment | undefined => {
  const { data } = comparison.safeParse(value);
  if (!data) return undefined;
  const { lhs, rhs } = data.BoolExpr;
  const [divisor, moment] = [divisorOf(lhs) ?? divisorOf(rhs), momentOf(lhs) ?? momentOf(rhs)];
  return divisor !== undefined && moment ? { at: moment.at, toMs: (moment.toMs * divisor) / NS_PER_MS } : undefined;
};

const span = z.object({ start: z.number(), end: z.number() });
const someVariables = z.object({ SomeVars: z.object({ vars: z.array(span) }) });
const every = z.object({ Every: z.object({ key: span.nullish(), value: span }) });

/** Whether `input` could be something else somewhere than what was asked: under `with`, or as the name of something local. */
const isInputPlain = ({ source, ast }: Module): boolean => {
  const contents = Buffer.from(source.contents);
  const isInput = (place: z.infer<typeof span>) => contents.toString('utf8', place.start, place.end) === 'input';
  let isPlain = ast.imports.every(
    ({ refr, as }) => !(as ? isInput(as) : mentionOf(refr)?.path.at(-1) === 'input' && mentionOf(refr)?.isLiteral),
  );
  walk(ast.rules, (value) => {
    const mention = mentionOf(value);
    if (mention) {
      if (mention.name === 'input' && mention.path.length === 0 && mention.isLiteral) isPlain = false;
      return mention.others;
    }
    const declared = [
      ...(someVariables.safeParse(value).data?.SomeVars.vars ?? []),
      ...Object.values(every.safeParse(value).data?.Every ?? {}),
    ];
    if ('with_mods' in value || declared.some((place) => place && isInput(place))) isPlain = false;
    return Object.values(value);
  });
  return isPlain;
};

/** Every moment that the clock is compared with, none where it is not read; undefined where it is read in any other way. */
export const clockReads = (modules: readonly Module[]): readonly Moment[] | undefined => {
  const moments: Moment[] = [];
  let isReadOtherwise = false;
  const look = (value: unknown): void => {
    if (typeof value === 'string' && value.includes('now_ns')) isReadOtherwise = true;
  };
  walk(
    modules.map(({ ast }) => ast),
    (value) => {
      const moment = comparedIn(value);
      if (moment) {
        moments.push(moment);
        return [];
      }
      for (const inner of Object.values(value)) look(inner);
      return Object.values(value);
    },
  );
  if (isReadOtherwise) return undefined;
  return moments.length === 0 || modules.every(isInputPlain) ? moments : undefined;
};
