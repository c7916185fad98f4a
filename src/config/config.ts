import type { PodTemplates } from '../core/pod-template.ts';
import type { Completed } from './completed.ts';
import type { PolicyFiles } from './policy-files.ts';
import type { Settled } from './settle.ts';

/** As it is written, with the defaults in place. */
export type SettledConfig = Settled<Completed>;

/**
 * The whole configuration, frozen. Keys are named as in the file; every duration is a number of milliseconds and every
 * size a number of bytes. `docs/configuration.md` explains each key.
 */
export type Config = SettledConfig &
  Readonly<{
    /** What `policy.path` names, where it was asked for (`LoadOptions.withPolicies`). */
    policy_files?: PolicyFiles;
    /** `pods.template`, as `default`, and `pods.templates`, read and found to be safe, or allowed all the same. */
    pod_templates: PodTemplates;
  }>;

export type RuleConfig = Config['rules'][number];
export type IssuerConfig = Config['jwt']['issuers'][number];
