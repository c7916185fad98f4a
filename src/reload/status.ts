/** What a replica says of the configuration it runs. */
export type ReplicaStatus = Readonly<{
  /** Counts configurations; the same on every replica that has followed. */
  generation: number;
  /** Of the text of the file, before variables and secrets: equal where the files are equal. */
  digest: string;
  /** When this generation took effect. */
  loadedAtMs: number;
  /** When its secrets were last read where they are kept, and found the same or taken into use. */
  secretsReadAtMs: number;
  /** Why they could not be read since: the last ones that were good are in use. */
  secretsProblem: string | undefined;
  /** Of the last try, where that changed nothing. */
  lastError: Readonly<{ atMs: number; problems: readonly string[] }> | undefined;
  /** A generation that others have and this one has not yet. */
  behind: number | undefined;
  counts: ReloadCounts;
}>;

/** `request`: somebody asked here. `follow`: another replica reloaded. `secrets`: a secret changed where it is kept. */
export type ReloadCause = 'request' | 'follow' | 'secrets';

export type ReloadOutcome = 'changed' | 'unchanged' | 'refused';

export type ReloadCounts = Readonly<Record<ReloadOutcome, number>>;

export type Replica = Readonly<{ id: string; seenAtMs: number; status: ReplicaStatus }>;

export type StatusReport = Readonly<{
  /** Which of the replicas answers. */
  id: string;
  replicas: readonly Replica[];
  /** Why the others are not listed, or not told. */
  problem: string | undefined;
}>;

export type ReloadResult = Readonly<{
  outcome: ReloadOutcome;
  generation: number;
  /** Keys of the configuration that differ from before, never their values. */
  changed: readonly string[];
  problems: readonly string[];
}>;
