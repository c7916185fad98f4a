/** What a line of the audit log shows of a call's path: secrets may stand in it, as in the webhooks of Slack. */
import { isBelow } from './call-path.ts';

export type AuditedTarget = Readonly<{
  name: string;
  /** Whether paths are shown as they are. Else only the prefix of the route is. */
  showsPaths: boolean;
  /** Of its routes, without a slash at the end; hosts have none. */
  prefixes: readonly string[];
}>;

/** Of a path for which there is no target so much is shown that a slip can be found. */
const FIRST_SEGMENTS = /^(?:\/[^/]*){0,2}/;
const LONGEST_PATH = 512;

const hidden = '/…';

export const createAuditPath = (targets: readonly AuditedTarget[]): ((target: string, path: string) => string) => {
  const shown = new Set(targets.filter(({ showsPaths }) => showsPaths).map(({ name }) => name));
  const prefixes = new Map(
    targets.map(({ name, prefixes: own }) => [name, own.toSorted((a, b) => b.length - a.length)] as const),
  );
  const hide = (prefix: string, path: string): string => (path === prefix ? path : `${prefix}${hidden}`);

  return (target, path) => {
    if (shown.has(target)) return path.length <= LONGEST_PATH ? path : `${path.slice(0, LONGEST_PATH)}…`;
    const known = prefixes.get(target);
    if (known) return hide(known.find((prefix) => isBelow(path, prefix)) ?? '', path);
    const [first = ''] = FIRST_SEGMENTS.exec(path.slice(0, LONGEST_PATH)) ?? [];
    return hide(first, path);
  };
};
