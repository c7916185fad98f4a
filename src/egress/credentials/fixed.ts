import type { Credential, Dressing } from '../credential.ts';

type Fixed = Readonly<{
  kind: string;
  version: string;
  headerNames?: readonly string[];
  queryNames?: readonly string[];
}>;

/** A credential that is the same for every call. */
export const fixedCredential = (given: Fixed, worn: Dressing): Credential => ({
  headerNames: [],
  queryNames: [],
  ...given,
  body: 'streamed',
  dress: () => worn,
});
