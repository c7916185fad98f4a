import { leaf, orVariable, Wrong } from './leaf.ts';

const numeric = (text: string): boolean => /^-?\d+(\.\d+)?$/.test(text);
const numberIn = (text: string): unknown => (numeric(text) ? Number(text) : text);

const between = (least: number, most: number): string =>
  most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `from ${least} to ${most}`;

export const integer = ({ least = 1, most = Number.MAX_SAFE_INTEGER } = {}) =>
  leaf<number>({
    label: 'number',
    expected: `a whole number, ${between(least, most)}`,
    json: orVariable({ type: 'integer', minimum: least, ...(most < Number.MAX_SAFE_INTEGER && { maximum: most }) }),
    placeholder: least,
    fromText: numberIn,
    read: (raw) => {
      if (typeof raw === 'string')
        return new Wrong('not a number', numeric(raw) ? 'write it without quotes' : undefined);
      if (typeof raw !== 'number') return undefined;
      if (!Number.isSafeInteger(raw)) return new Wrong('not a whole number');
      return raw < least || raw > most ? new Wrong('out of range') : raw;
    },
  });

/** A share, from 0 to 1. */
export const fraction = leaf<number>({
  label: 'number',
  expected: 'a number from 0 to 1',
  json: orVariable({ type: 'number', minimum: 0, maximum: 1 }),
  placeholder: 0,
  fromText: numberIn,
  read: (raw) => (typeof raw === 'number' ? (raw >= 0 && raw <= 1 ? raw : new Wrong('out of range')) : undefined),
});

const switchWords: Readonly<Record<string, boolean>> = {
  ...{ true: true, yes: true, on: true, '1': true },
  ...{ false: false, no: false, off: false, '0': false },
};

/** On or off. In a file `true` or `false`; the environment may also say yes, no, on, off, 1, 0. */
export const toggle = leaf<boolean>({
  label: 'true | false',
  expected: 'true or false',
  json: orVariable({ type: 'boolean' }),
  placeholder: false,
  fromText: (text) => (Object.hasOwn(switchWords, text.toLowerCase()) ? switchWords[text.toLowerCase()] : text),
  read: (raw) => {
    if (typeof raw !== 'string') return typeof raw === 'boolean' ? raw : undefined;
    return new Wrong('not a switch', /^(true|false)$/.test(raw) ? 'write it without quotes' : undefined);
  },
});

/** True, and nothing else: a key that chooses one of several ways. */
export const chosen = leaf<true>({
  label: 'true',
  expected: 'true (or leave the key out)',
  json: orVariable({ const: true }),
  placeholder: true,
  fromText: (text) => text === 'true' || text,
  read: (raw) => (raw === true ? raw : undefined),
});

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** Ten years: longer is a slip, and every sum of two durations stays exact. */
const longest = 3650 * day;

const durationForm = /^(?=\d)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;

const millisecondsIn = (text: string): number | undefined => {
  const [matched, ...parts] = durationForm.exec(text) ?? [];
  if (matched === undefined) return undefined;
  return [day, hour, minute, second, 1].reduce((sum, unit, index) => sum + unit * Number(parts[index] ?? 0), 0);
};

const durationText = (milliseconds: number): string => {
  const [unit, size] =
    (
      [
        ['d', day],
        ['h', hour],
        ['m', minute],
        ['s', second],
      ] as const
    ).find(([, length]) => milliseconds % length === 0) ?? (['ms', 1] as const);
  return `${milliseconds / size}${unit}`;
};

/** `500ms`, `60s`, `1h30m`, `7d` → milliseconds. */
export const duration = ({ least = 1, most = longest } = {}) =>
  leaf<number>({
    label: 'duration',
    expected: most < longest ? `a duration up to ${durationText(most)}` : 'a duration such as 500ms, 60s, 1h30m or 7d',
    json: { type: 'string', pattern: '^(?=\\d)(\\d+d)?(\\d+h)?(\\d+m)?(\\d+s)?(\\d+ms)?$|\\$\\{' },
    placeholder: least,
    read: (raw) => {
      if (typeof raw === 'number')
        return new Wrong('a number without unit', `write ${Math.abs(raw)}s or ${Math.abs(raw)}ms`);
      if (typeof raw !== 'string') return undefined;
      const milliseconds = millisecondsIn(raw);
      if (milliseconds === undefined) return new Wrong('not a duration');
      if (milliseconds < least) return new Wrong(`shorter than ${durationText(least)}`);
      return milliseconds > most ? new Wrong(`longer than ${durationText(most)}`) : milliseconds;
    },
  });

const sizeForm = /^(\d+)(B|KiB|MiB|GiB)?$/;
const sizeUnits: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** `512`, `64KiB`, `1MiB` → bytes. */
export const size = leaf<number>({
  label: 'size',
  expected: 'a size such as 512, 64KiB or 1MiB',
  json: {
    anyOf: [
      { type: 'integer', minimum: 1 },
      { type: 'string', pattern: '^\\d+(B|KiB|MiB|GiB)?$|\\$\\{' },
    ],
  },
  placeholder: 1,
  read: (raw) => {
    if (typeof raw !== 'number' && typeof raw !== 'string') return undefined;
    const [, digits, unit = 'B'] = sizeForm.exec(String(raw)) ?? [];
    if (digits === undefined) return new Wrong('not a size');
    const bytes = Number(digits) * (sizeUnits[unit] ?? 1);
    return bytes >= 1 && Number.isSafeInteger(bytes) ? bytes : new Wrong('out of range');
  },
});
