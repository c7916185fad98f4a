import type { z } from 'zod';
import type { Finding } from './finding.ts';
import { nearest } from './nearest.ts';
import type { Path } from './path.ts';
import { isMapping } from './schema/forms.ts';
import type { LeafIssue } from './schema/leaf.ts';
import { allKeys, fits, objectsOf, schemasAt, shortOf } from './schema-walk.ts';

type Schema = z.core.$ZodType;
type Issue = z.core.$ZodIssue;

const pathOf = ({ path }: Issue): Path =>
  path.map((segment) => (typeof segment === 'number' ? segment : String(segment)));

const isLeafIssue = (params: unknown): params is LeafIssue =>
  typeof params === 'object' && params !== null && 'expected' in params;

const leafFinding = (path: Path, message: string, params: unknown): Finding => {
  if (!isLeafIssue(params)) return { path, message };
  const { expected, secret, hint } = params;
  const shows = message === 'missing' ? undefined : secret ? ('kind' as const) : ('value' as const);
  return { path, message, expected, ...(hint && { hint }), ...(shows && { shows }) };
};

/** Where else a key is known, for one that stands in the wrong block. */
const elsewhere = (root: Schema, key: string): string | undefined => {
  const blocks = [
    ...new Set(allKeys(root).flatMap(({ name, block }) => (name === key ? [block || 'the file itself'] : []))),
  ];
  return blocks.length > 0 ? `"${key}" is a key of ${blocks.slice(0, 3).join(', ')}` : undefined;
};

/** A file of thousands of unknown keys is some other file: the first few say so. */
const mostUnknown = 20;

const unknownKeys = (root: Schema, issue: z.core.$ZodIssueUnrecognizedKeys): Finding[] => {
  const path = pathOf(issue);
  const objects = schemasAt(root, path).flatMap(objectsOf);
  const input: unknown = issue.input;
  const fitting = isMapping(input) ? objects.filter((object) => fits(object, input)) : objects;
  const known = [...new Set(fitting.flatMap(({ def }) => Object.keys(def.shape)))];
  const findings = issue.keys.slice(0, mostUnknown).map((key) => unknownKey(root, [...path, key], key, known));
  const more = issue.keys.length - findings.length;
  return more > 0
    ? [...findings, { path, message: `${more} more unknown keys`, hint: 'is this the right file?' }]
    : findings;
};

const unknownKey = (root: Schema, path: Path, key: string, known: readonly string[]): Finding => {
  const finding = { path, message: 'unknown key', atKey: true };
  const meant = nearest(key, known);
  if (meant !== undefined) return { ...finding, hint: `did you mean "${meant}"?` };
  const hint = elsewhere(root, key);
  return { ...finding, expected: `one of ${known.join(', ')}`, ...(hint && { hint }) };
};

const wrongType = (root: Schema, issue: z.core.$ZodIssueInvalidType): Finding => {
  const path = pathOf(issue);
  const long = issue.expected === 'array' ? 'a list' : 'a mapping';
  const [short] = schemasAt(root, path).flatMap((schema) => shortOf(schema)?.label ?? []);
  const expected = short && short !== 'list' ? `${short} or ${long}` : long;
  if (issue.input === undefined) return { path, message: 'missing', expected };
  return { path, message: `not ${long}`, expected, shows: 'kind' };
};

const wrongTag = (issue: z.core.$ZodIssueInvalidUnion): Finding => {
  const options = 'options' in issue && Array.isArray(issue.options) ? issue.options.join(', ') : '';
  const tag = issue.path.at(-1);
  const written = isMapping(issue.input) && typeof tag === 'string' ? issue.input[tag] : undefined;
  const message = written === undefined ? 'missing' : 'unknown kind';
  return {
    path: pathOf(issue),
    message,
    expected: `one of ${options}`,
    ...(written !== undefined && { shows: 'value' }),
  };
};

const findingsOf = (root: Schema, issue: Issue): Finding[] => {
  const path = pathOf(issue);
  switch (issue.code) {
    case 'custom':
      return [leafFinding(path, issue.message, issue.params)];
    case 'unrecognized_keys':
      return unknownKeys(root, issue);
    case 'invalid_type':
      return [wrongType(root, issue)];
    case 'invalid_union':
      return [wrongTag(issue)];
    case 'too_small':
      return [{ path, message: 'empty', expected: `at least ${issue.minimum}` }];
    case 'invalid_key':
      return issue.issues.map((inner) => ({
        ...leafFinding(path, inner.message, inner.code === 'custom' ? inner.params : undefined),
        atKey: true,
        shows: 'nothing',
      }));
    default:
      return [{ path, message: 'not allowed here', shows: 'kind' }];
  }
};

export const schemaFindings = (root: Schema, issues: readonly Issue[]): Finding[] =>
  issues.flatMap((issue) => findingsOf(root, issue));
