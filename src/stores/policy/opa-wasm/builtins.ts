/**
 * Builtins that OPA does not compile into a module, but asks its host for. Those that are not here are told when a policy is
 * loaded. Undefined, as in OPA, is the result of what fails.
 */
import { hash } from 'node:crypto';
import { compareVersions, isVersion } from './semver.ts';
import { sprintf } from './sprintf.ts';

/** Of one evaluation, which has one time. */
export type Moment = Readonly<{ nowMs: number }>;

export type Builtin = (moment: Moment, ...values: readonly unknown[]) => unknown;

const textsOf = (value: unknown): readonly string[] | undefined => {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.every((entry) => typeof entry === 'string') ? list : undefined;
};

const anyMatch =
  (matches: (text: string, part: string) => boolean): Builtin =>
  (_moment, search, base) => {
    const [texts, parts] = [textsOf(search), textsOf(base)];
    return texts && parts && texts.some((text) => parts.some((part) => matches(text, part)));
  };

const digest =
  (algorithm: string): Builtin =>
  (_moment, text) =>
    typeof text === 'string' ? hash(algorithm, text) : undefined;

const decodeHex = (text: unknown): string | undefined =>
  typeof text === 'string' && /^(?:[0-9A-Fa-f]{2})*$/.test(text)
    ? Buffer.from(text, 'hex').toString('utf8')
    : undefined;

export const builtins: ReadonlyMap<string, Builtin> = new Map<string, Builtin>([
  ['time.now_ns', ({ nowMs }) => nowMs * 1_000_000],
  ['sprintf', (_moment, template, values) => sprintf(template, values)],
  ['semver.compare', (_moment, one, other) => compareVersions(one, other)],
  ['semver.is_valid', (_moment, text) => isVersion(text)],
  ['strings.any_prefix_match', anyMatch((text, part) => text.startsWith(part))],
  ['strings.any_suffix_match', anyMatch((text, part) => text.endsWith(part))],
  ['hex.encode', (_moment, text) => (typeof text === 'string' ? Buffer.from(text).toString('hex') : undefined)],
  ['hex.decode', (_moment, text) => decodeHex(text)],
  ['crypto.sha256', digest('sha256')],
  ['crypto.sha1', digest('sha1')],
  ['crypto.md5', digest('md5')],
]);
