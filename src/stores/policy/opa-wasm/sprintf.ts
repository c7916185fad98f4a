/**
 * `sprintf` as OPA has it, which is Go's `fmt.Sprintf` (https://pkg.go.dev/fmt): %v %s %d %f %q %%, with flags, width and
 * precision. OPA gives Go numbers and strings as they are, and everything else as text.
 */

const verbs = /%(?<flags>[-+ 0]*)(?<width>\d{1,3})?(?:\.(?<precision>\d{1,3}))?(?<verb>.)|%$/gsu;

const byBytes = ([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number =>
  Buffer.compare(Buffer.from(one), Buffer.from(other));

/** As Rego writes a value. Sets come as lists, for JSON has no other name for them. */
const regoText = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(regoText).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).sort(byBytes);
    return `{${entries.map(([key, entry]) => `${JSON.stringify(key)}: ${regoText(entry)}`).join(', ')}}`;
  }
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value);
};

/** Go's %g: the shortest text that reads back as it, with an exponent below -4 and from 6 on. */
const floatText = (value: number): string => {
  const [, digits = '', sign = '+', exponent = '0'] = /^(.*)e([+-])(\d+)$/.exec(value.toExponential()) ?? [];
  const isPlain = sign === '-' ? Number(exponent) <= 4 : Number(exponent) < 6;
  return isPlain ? String(value) : `${digits}e${sign}${exponent.padStart(2, '0')}`;
};

/** Go rounds what lies in the middle to the even digit, and JavaScript away from zero. */
const fixed = (value: number, precision: number): string | undefined => {
  if (Math.abs(value) >= 1e21) return undefined;
  const scaled = value * 10 ** precision;
  const isMiddle = Number.isInteger(value * 2 ** (precision + 1)) && Math.abs(scaled % 1) === 0.5;
  return isMiddle ? ((2 * Math.round(scaled / 2)) / 10 ** precision).toFixed(precision) : value.toFixed(precision);
};

type Argument = Readonly<{ type: 'int64' | 'float64' | 'string'; text: string; number: number }>;

const argumentOf = (value: unknown): Argument => {
  if (typeof value === 'bigint') return { type: 'int64', text: String(value), number: Number(value) };
  if (typeof value === 'number') {
    const isInteger = Number.isSafeInteger(value);
    const text = isInteger ? String(value) : floatText(value);
    return { type: isInteger ? 'int64' : 'float64', text, number: value };
  }
  return { type: 'string', text: typeof value === 'string' ? value : regoText(value), number: Number.NaN };
};

const bad = (verb: string, { type, text }: Argument): string => `%!${verb}(${type}=${text})`;

const signed = (text: string, verb: string, flags: string): string => {
  if (text.startsWith('-')) return text;
  if (flags.includes('+') && verb !== 'v') return `+${text}`;
  return flags.includes(' ') && !flags.includes('+') ? ` ${text}` : text;
};

const pad = (text: string, flags: string, width: number, isNumber: boolean): string => {
  const missing = width - [...text].length;
  if (missing <= 0) return text;
  if (flags.includes('-')) return text + ' '.repeat(missing);
  if (!flags.includes('0')) return ' '.repeat(missing) + text;
  const sign = isNumber ? (/^[-+ ]?/.exec(text)?.[0] ?? '') : '';
  return sign + '0'.repeat(missing) + text.slice(sign.length);
};

type Format = (argument: Argument, precision: number | undefined) => string | undefined;

const cut = (text: string, precision: number | undefined): string => [...text].slice(0, precision).join('');
const unsafeText = /[\p{Cc}\u2028\u2029]/u;

/** Undefined for what is not known here. */
const formats: ReadonlyMap<string, Format> = new Map<string, Format>([
  [
    'v',
    ({ type, text }, precision) => {
      if (type === 'string') return cut(text, precision);
      return precision === undefined ? text : undefined;
    },
  ],
  ['s', (argument, precision) => (argument.type === 'string' ? cut(argument.text, precision) : bad('s', argument))],
  [
    'd',
    (argument, precision) => {
      if (argument.type !== 'int64') return bad('d', argument);
      return precision === undefined ? argument.text : undefined;
    },
  ],
  [
    'f',
    (argument, precision) =>
      argument.type === 'float64' ? fixed(argument.number, precision ?? 6) : bad('f', argument),
  ],
  [
    'q',
    ({ type, text }, precision) =>
      type === 'string' && precision === undefined && !unsafeText.test(text) ? JSON.stringify(text) : undefined,
  ],
]);

type Place = Readonly<Partial<Record<'flags' | 'width' | 'precision' | 'verb', string>>>;

const fill = (verb: string, { flags = '', width, precision }: Place, argument: Argument): string => {
  const written = formats.get(verb)?.(argument, precision === undefined ? undefined : Number(precision));
  if (written === undefined) throw new Error(`sprintf: %${verb} of ${argument.type} is not known to this engine`);
  if (written.startsWith('%!')) return written;
  const isNumber = argument.type !== 'string';
  return pad(isNumber ? signed(written, verb, flags) : written, flags, Number(width ?? 0), isNumber);
};

/** Throws where Go would write something that is not known here: a wrong text could be the wrong answer. */
export const sprintf = (template: unknown, values: unknown): string | undefined => {
  if (typeof template !== 'string' || !Array.isArray(values)) return undefined;
  const left: unknown[] = [...values];
  const text = template.replace(verbs, (_found: string, ...rest) => {
    const place: Place = rest.at(-1);
    if (place.verb === undefined) return '%!(NOVERB)';
    if (place.verb === '%') return '%';
    return left.length === 0 ? `%!${place.verb}(MISSING)` : fill(place.verb, place, argumentOf(left.shift()));
  });
  if (left.length === 0) return text;
  const extra = left.map(argumentOf).map((each) => `${each.type}=${each.text}`);
  return `${text}%!(EXTRA ${extra.join(', ')})`;
};
