import type { Path } from './path.ts';

/** A problem before it has its place in a file: every check answers with these. */
export type Finding = Readonly<{
  path: Path;
  message: string;
  found?: string;
  expected?: string;
  hint?: string;
  /** Another place, named at the end of the message. */
  refersTo?: Path;
  /** Point at the key rather than at its value. */
  atKey?: boolean;
  /** What to show of what the file says there: the value, only its kind (as for a secret), or nothing (the default). */
  shows?: 'value' | 'kind' | 'nothing';
  /** A variable that nothing sets, which checking a file without its environment forgives. */
  missingVariable?: boolean;
  /** Other blocks the check read. While they have problems of their own, the finding may be their echo and is left out. */
  reads?: readonly Path[];
}>;
