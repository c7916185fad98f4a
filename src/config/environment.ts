import type { Environment } from './read/interpolate.ts';

/** The environment of this process. Nothing else reads it: whoever needs it is given it. */
// biome-ignore lint/style/noProcessEnv: this is the one place
export const environment: Environment = process.env;
