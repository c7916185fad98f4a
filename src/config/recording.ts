/**
 * Everything that loading has read besides the environment. Given again, the same is loaded, whatever the files say by then:
 * for the workers of one service, and for replacing secrets alone. It holds secrets, and so it is one.
 */
import { Secret } from '../core/secret.ts';
import type { PolicyFiles } from './policy-files.ts';

export type Recording = Secret;

export type Recorded = Readonly<{
  /** The file as it was named; left out where there was none. */
  source?: string | undefined;
  text: string;
  /** What `file:` named, by absolute path. */
  files: Readonly<Record<string, string>>;
  /** Of the policies; left out where they were not asked for. */
  policies?: PolicyFiles | undefined;
  /** What Vault gave; left out where it was not asked. */
  vault?: VaultValues | undefined;
}>;

/** By reference, as `path#key`: the value, or why it cannot be had. */
export type VaultValues = Readonly<Record<string, Readonly<{ value: string }> | Readonly<{ problem: string }>>>;

export const pack = (recorded: Recorded): Recording => new Secret(JSON.stringify(recorded));

/** Only what `pack` made is ever given here, by this process or the one that started it. */
export const unpack = (recording: Recording): Recorded => JSON.parse(recording.reveal()) as Recorded;
