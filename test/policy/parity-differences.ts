/** Where an engine answers otherwise than opa does. docs/policies.md tells users of each. */

/** The policy is refused when it is loaded. */
export const refused = 'refused';

type Difference = Readonly<{ title: string; engine: 'regorus' | 'opa-wasm'; answer: unknown; why: string }>;

/** By their names. opa compiles them to a call of its host, and this host has them not. */
const lackedByModules = [
  'io.jwt.decode',
  'json.patch',
  'object.subset',
  'regex.replace',
  'regex.split',
  'time.parse_rfc3339_ns',
  'units.parse',
  'urlquery.decode_object',
] as const;

const lackedByRegorus = ['crypto.sha256', 'io.jwt.decode'] as const;

export const differences: readonly Difference[] = [
  ...lackedByModules.map(
    (title): Difference => ({ title, engine: 'opa-wasm', answer: refused, why: 'there is no such builtin' }),
  ),
  ...lackedByRegorus.map(
    (title): Difference => ({ title, engine: 'regorus', answer: refused, why: 'there is no such builtin' }),
  ),
  {
    title: 'shadowing',
    engine: 'regorus',
    answer: refused,
    why: 'a variable of a comprehension may not have the name of a rule that stands before it',
  },
  {
    title: 'an object comprehension with one key twice',
    engine: 'regorus',
    answer: refused,
    why: 'it is an error whatever is asked, which shows when the policy is loaded',
  },
  {
    title: 'a nested partial object',
    engine: 'regorus',
    answer: refused,
    why: 'a rule of two keys cannot be asked itself; another rule may name it',
  },
  {
    title: 'a partial object with a conflict',
    engine: 'regorus',
    answer: refused,
    why: 'a rule whose key is a constant cannot be asked itself; another rule may name it',
  },
  {
    title: 'json.marshal',
    engine: 'opa-wasm',
    answer: '{"b":[1,null,"x"],"a":true}',
    why: 'members are written in the order that they have in memory',
  },
  {
    title: 'digits of other scripts',
    engine: 'regorus',
    answer: true,
    why: 'its \\d, \\w and \\s are those of Unicode, and those of the other engines of ASCII',
  },
  {
    title: 'sprintf with too few',
    engine: 'regorus',
    answer: 'undefined',
    why: 'it is an error, where Go writes %!v(MISSING)',
  },
];

/** Sets, or lists made of one: they come as lists of JSON in no order. */
export const unordered: readonly string[] = [
  'set comprehension',
  'object.keys',
  'graph.reachable',
  'a partial set',
  'some with keys',
];
