import type { Parsed } from './schema/config.ts';
import type { Settled } from './settle.ts';

/**
 * The whole configuration, frozen. Keys are named as in the file; every duration is a number of milliseconds and every
 * size a number of bytes. `docs/configuration.md` explains each key.
 */
export type Config = Settled<Parsed>;

export type RuleConfig = Config['rules'][number];
export type IssuerConfig = Config['jwt']['issuers'][number];
