/** Where a credential may go: one origin, below one path, by some methods. It refuses to be put on any other call. */
import { isBelow, rawPath, trimPrefix } from '../call-path.ts';
import { type Credential, CredentialForbidden, type LeavingCall } from '../credential.ts';

export type Reach = Readonly<{
  /** Base URL of the target, without query. */
  url: string;
  /** Below which path, besides that of `url`. */
  pathPrefix: string | undefined;
  /** Every method where it is left out. */
  methods: readonly string[] | undefined;
}>;

const dotSegment = /^\.{1,2}(?:;.*)?$/;

/** Whether some reader of this path leaves the folder that it seems to be in. Readers of URLs drop blanks at the end. */
const climbs = (path: string): boolean =>
  (path.includes('.') || path.includes('%')) &&
  path
    .trimEnd()
    .replace(/%2e/gi, '.')
    .replace(/%3b/gi, ';')
    .split(/[/\\]|%2f|%5c/i)
    .some((segment) => dotSegment.test(segment));

export const createReach = ({ url, pathPrefix, methods }: Reach): ((call: LeavingCall) => string | undefined) => {
  const { origin, pathname } = new URL(url);
  const prefixes = [pathname, ...(pathPrefix === undefined ? [] : [pathPrefix])]
    .map(trimPrefix)
    .filter((prefix) => prefix !== '');
  return (call) => {
    if (call.origin !== origin) return 'the credential is for another origin';
    if (methods && !methods.includes(call.method)) return 'the credential is for other methods';
    if (prefixes.length === 0) return undefined;
    const path = rawPath(call.path);
    const isInside = prefixes.every((prefix) => isBelow(path, prefix)) && !climbs(path);
    return isInside ? undefined : 'the credential is for another path';
  };
};

export const bindTo = (reach: Reach, credential: Credential): Credential => {
  const refusalOf = createReach(reach);
  return {
    ...credential,
    dress(call) {
      const refusal = refusalOf(call);
      if (refusal !== undefined) throw new CredentialForbidden(refusal);
      return credential.dress(call);
    },
  };
};
