import type { PolicyFiles } from './policy-files.ts';
import type { Parsed } from './schema/config.ts';
import type { Settled } from './settle.ts';

/**
 * The whole configuration, frozen. Keys are named as in the file; every duration is a number of milliseconds and every
 * size a number of bytes. `docs/configuration.md` explains each key.
 */
export type Config = Settled<Parsed> &
  Readonly<{
    /** What `policy.path` names, where it was asked for (`LoadOptions.withPolicies`). */
    policy_files?: PolicyFiles;
  }>;

export type RuleConfig = Config['rules'][number];
export type IssuerConfig = Config['jwt']['issuers'][number];
