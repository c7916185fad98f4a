/** What a policy's answer means: a boolean, or `{allow, reasons, audit}`. Anything else is no answer. */
import type { Findings } from '../core/findings.ts';

export type PolicyResult = Readonly<{ allow: boolean; findings?: Findings | undefined }>;

/** Of what a policy writes into the audit line, so that a line stays a line. */
const MOST_REASONS = 32;
const LONGEST_TEXT = 512;
const MOST_ENTRIES = 64;
const DEEPEST = 5;
/** Values in the whole of `audit`, lists and objects among them. */
const MOST_VALUES = 256;
const CUT = '…';

const cut = (text: string): string => (text.length <= LONGEST_TEXT ? text : text.slice(0, LONGEST_TEXT) + CUT);

/** The value within the bounds; what lies beyond them is left out, or a mark. */
const boundedBy = (budget: { left: number }, value: unknown, depth: number): unknown => {
  budget.left--;
  if (typeof value === 'string') return cut(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= DEEPEST) return CUT;
  if (Array.isArray(value)) {
    const kept: unknown[] = [];
    for (const entry of value.slice(0, MOST_ENTRIES)) {
      if (budget.left <= 0) break;
      kept.push(boundedBy(budget, entry, depth + 1));
    }
    return kept;
  }
  return boundedRecord(budget, value, depth);
};

const boundedRecord = (budget: { left: number }, value: object, depth: number): Readonly<Record<string, unknown>> => {
  const kept: [string, unknown][] = [];
  for (const [name, entry] of Object.entries(value).slice(0, MOST_ENTRIES)) {
    if (budget.left <= 0) break;
    kept.push([cut(name), boundedBy(budget, entry, depth + 1)]);
  }
  return Object.fromEntries(kept);
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isText = (value: unknown): value is string => typeof value === 'string';

/** A set of Rego is a list of JSON. */
const reasonsOf = (value: unknown): readonly string[] | undefined => {
  if (value === undefined) return [];
  if (!Array.isArray(value) || !value.every(isText)) return undefined;
  return value.slice(0, MOST_REASONS).map(cut);
};

const auditOf = (value: unknown): Findings['audit'] | undefined => {
  if (value === undefined) return {};
  return isRecord(value) ? boundedRecord({ left: MOST_VALUES }, value, 0) : undefined;
};

const members = ['allow', 'reasons', 'audit'];

const kindOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : typeof value;

/** The result, or what is wrong with the value: for the log, without the value itself. */
export const policyResult = (value: unknown): PolicyResult | string => {
  if (typeof value === 'boolean') return { allow: value };
  if (!isRecord(value)) return `${kindOf(value)} instead of a boolean or {allow, reasons, audit}`;
  const stranger = Object.keys(value).find((name) => !members.includes(name));
  if (stranger !== undefined) return `an object with ${JSON.stringify(cut(stranger))}; expected ${members.join(', ')}`;
  const { allow } = value;
  if (typeof allow !== 'boolean') return `an object whose allow is ${kindOf(allow)} instead of a boolean`;
  const reasons = reasonsOf(value['reasons']);
  if (!reasons) return 'an object whose reasons are no list of strings';
  const audit = auditOf(value['audit']);
  if (!audit) return `an object whose audit is ${kindOf(value['audit'])} instead of an object`;
  return { allow, findings: { reasons, audit } };
};
