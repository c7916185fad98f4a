/** What differs between two configurations, and what of it a running service can take over. */
import { Secret } from '../core/secret.ts';
import type { Config } from './config.ts';
import { type Path, startsWith } from './path.ts';
import { DocumentText, VaultReference } from './reference.ts';
import { isMapping } from './schema/forms.ts';

/** What is built anew by a reload. Everything else is asked once, when the process starts. */
const reloadable: readonly Path[] = [
  ['rules'],
  ['jwt'],
  ['trusted_proxies'],
  ['forwarded_certificates'],
  ['resolver'],
  ['egress'],
  ['proxy'],
  ['policy'],
  ['policy_files'],
  ['vault'],
  ['api_keys', 'rate_limit_per_minute'],
  ['api_keys', 'rate_limit_per_day'],
  ['admin', 'token'],
  ['admin', 'usage_token'],
  // It is in the prices of the rules already.
  ['cashu', 'default_amount'],
];

/** Parts of those that are asked once all the same. */
const lasting: readonly Path[] = [
  ['resolver', 'addr'],
  ['resolver', 'tls'],
  ['egress', 'addr'],
  ['egress', 'tls'],
  ['proxy', 'enabled'],
];

export const needsRestart = (path: Path): boolean =>
  !reloadable.some((prefix) => startsWith(path, prefix)) || lasting.some((prefix) => startsWith(path, prefix));

const entriesOf = (value: unknown): ReadonlyMap<string | number, unknown> => {
  if (Array.isArray(value)) return new Map(value.map((item, index) => [index, item]));
  return new Map(isMapping(value) ? Object.entries(value) : []);
};

/** Values that are objects in memory, and one thing to whoever wrote them. */
const isWhole = (value: unknown): boolean =>
  value instanceof Secret || value instanceof VaultReference || value instanceof DocumentText;

const isBlock = (value: unknown): boolean => Array.isArray(value) || (isMapping(value) && !isWhole(value));

const isSame = (before: unknown, after: unknown): boolean => {
  if (before instanceof Secret && after instanceof Secret) return before.reveal() === after.reveal();
  if (before instanceof VaultReference && after instanceof VaultReference)
    return before.path === after.path && before.key === after.key;
  if (before instanceof DocumentText && after instanceof DocumentText)
    return before.file === after.file && before.text === after.text;
  return before === after;
};

/** A block that comes or goes differs in each of its keys, for some of them may be such as need a restart. */
const compare = (before: unknown, after: unknown, path: Path): Path[] => {
  if (isSame(before, after)) return [];
  const compared = [before, after].every((value) => isBlock(value) || value === undefined);
  if (!compared) return [path];
  const [old, young] = [entriesOf(before), entriesOf(after)];
  const keys = new Set([...old.keys(), ...young.keys()]);
  const deeper = [...keys].flatMap((key) => compare(old.get(key), young.get(key), [...path, key]));
  const comesOrGoes = before === undefined || after === undefined;
  return deeper.length === 0 && comesOrGoes ? [path] : deeper;
};

/** They are what `pods` says, read. */
const isDerived = ([key]: Path): boolean => key === 'pod_templates';

/** The keys that differ, each as deep as it goes. */
export const differences = (before: Config, after: Config): readonly Path[] =>
  compare(before, after, []).filter((path) => !isDerived(path));
