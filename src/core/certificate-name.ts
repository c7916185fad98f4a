/** Names in certificates as sets of attributes, never as text: `CN=x\,CN=orders` has one attribute, and is not `CN=orders`. */

/** What one attribute is called by those who write names, in lower case; by RFC 4519 and RFC 5280. */
const synonyms: Readonly<Record<string, string>> = {
  '2.5.4.3': 'cn',
  commonname: 'cn',
  '2.5.4.6': 'c',
  countryname: 'c',
  '2.5.4.7': 'l',
  localityname: 'l',
  '2.5.4.8': 'st',
  s: 'st',
  stateorprovincename: 'st',
  '2.5.4.10': 'o',
  organizationname: 'o',
  '2.5.4.11': 'ou',
  organizationalunitname: 'ou',
  '2.5.4.5': 'serialnumber',
  '0.9.2342.19200300.100.1.1': 'uid',
  userid: 'uid',
  '0.9.2342.19200300.100.1.25': 'dc',
  domaincomponent: 'dc',
  '1.2.840.113549.1.9.1': 'emailaddress',
  e: 'emailaddress',
  email: 'emailaddress',
};

const typeForm = /^(?:[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)$/;

const canonicalType = (type: string): string => {
  const lower = type.toLowerCase();
  return synonyms[lower] ?? lower;
};

type Value = Readonly<{ text: string; end: number }>;

/** Escapes stand for octets of UTF-8 (RFC 4514 section 2.4), as in a URL. */
const decode = (encoded: string): string | undefined => {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
};

const encode = (character: string): string => (character === '%' ? '%25' : character);

type Read = readonly [encoded: string, length: number];

const readEscape = (text: string, at: number): Read | undefined => {
  const pair = text.slice(at + 1, at + 3);
  if (/^[0-9A-Fa-f]{2}$/.test(pair)) return [`%${pair}`, 3];
  const next = text[at + 1] ?? '';
  return ' "#+,;<=>\\'.includes(next) && next !== '' ? [encode(next), 2] : undefined;
};

const readCharacter = (text: string, at: number): Read | undefined => {
  const character = text[at] ?? '';
  if (character === '\\') return readEscape(text, at);
  return '"<>;,+'.includes(character) ? undefined : [encode(character), 1];
};

const startOf = (text: string, from: number): number => {
  let at = from;
  while (text[at] === ' ') at++;
  return at;
};

/** Spaces around a value do not belong to it, unless they are escaped. Quoted values and values in hexadecimal are not read. */
const readValue = (text: string, from: number, separators: string): Value | undefined => {
  let encoded = '';
  let kept = 0;
  let at = startOf(text, from);
  if (text[at] === '#') return undefined;
  while (at < text.length && !separators.includes(text[at] ?? '')) {
    const read = readCharacter(text, at);
    if (!read) return undefined;
    encoded += read[0];
    if (text[at] !== ' ') kept = encoded.length;
    at += read[1];
  }
  const value = decode(encoded.slice(0, kept));
  return value === undefined || value === '' ? undefined : { text: value, end: at };
};

type Attribute = readonly [type: string, value: string];

const readName = (text: string, separators: string): readonly Attribute[] | undefined => {
  const attributes: Attribute[] = [];
  for (let at = 0; ; ) {
    const equals = text.indexOf('=', at);
    const type = equals < 0 ? '' : text.slice(at, equals).trim();
    if (!typeForm.test(type)) return undefined;
    const value = readValue(text, equals + 1, separators);
    if (!value) return undefined;
    attributes.push([canonicalType(type), value.text]);
    if (value.end >= text.length) return attributes;
    at = value.end + 1;
  }
};

const canonical = (name: readonly Attribute[] | undefined): string | undefined =>
  name && JSON.stringify(name.map(([type, value]) => `${type}=${value}`).sort());

/**
 * A distinguished name as people write it (RFC 4514), such as `CN=orders,O=Example`, in a form in which two names are equal
 * where they have the same attributes, in whatever order. Undefined for anything that cannot be read in one way.
 */
export const canonicalName = (text: string): string | undefined => canonical(readName(text, ',+'));

/** The same of a name as OpenSSL prints it, a line for each part. */
export const canonicalPrintedName = (text: string): string | undefined => canonical(readName(text, '\n+'));

const longer: Readonly<Record<string, string>> = { emailaddress: 'emailAddress', serialnumber: 'serialNumber' };

const asNamed = (name: readonly Attribute[] | undefined): Readonly<Record<string, readonly string[]>> => {
  const named: Record<string, string[]> = {};
  for (const [type, value] of name ?? []) {
    const shown = longer[type] ?? type.toUpperCase();
    named[shown] = [...(named[shown] ?? []), value];
  }
  return named;
};

/** The attributes of a name by their usual short names, such as `CN` and `O`; none where it cannot be read. */
export const nameAttributes = (text: string): Readonly<Record<string, readonly string[]>> =>
  asNamed(readName(text, ',+'));

/** The same of a name as OpenSSL prints it. */
export const printedNameAttributes = (text: string): Readonly<Record<string, readonly string[]>> =>
  asNamed(readName(text, '\n+'));
