/** Reloading, all or nothing: read, build and start everything, then swap once. One at a time, whoever asks. */
import { type Reason, ReloadRefused, reasonsOf } from './refused.ts';
import type { Replicas } from './replicas.ts';
import type { ReloadCause, ReloadOutcome, ReloadResult, ReplicaStatus, StatusReport } from './status.ts';

/** A configuration that was built and started beside the one that runs. */
export type Prepared = Readonly<{
  /** Takes the place of what runs. Does not fail. */
  commit(generation: number): void | Promise<void>;
  discard(): Promise<void>;
}>;

/** A configuration that was read and found good. */
export type Candidate = Readonly<{
  digest: string;
  /** Keys that differ from what runs. */
  changed: readonly string[];
  /** Of those, the ones that a running service cannot change, as reasons. */
  needRestart: readonly Reason[];
  prepare(): Promise<Prepared>;
  /** Called when it is what runs. */
  accepted(): void;
  /** One line for a person: file, line, key and why. */
  explain(reason: Reason): string;
}>;

export type ReloadEvent = ReloadResult & Readonly<{ cause: ReloadCause; durationMs: number }>;

export type ReloadsOptions = Readonly<{
  /** Of what runs already. */
  digest: string;
  /** Reads everything anew; for `secrets` the secrets alone, with the file as it was. Rejects with what is wrong. */
  read(cause: ReloadCause): Promise<Candidate>;
  replicas: Replicas;
  now(): number;
  onReload(event: ReloadEvent): void;
  onStatus(status: ReplicaStatus): void;
}>;

export type Reloads = Readonly<{
  /** Resolves with the result of a reload that began after the call. Never rejects. */
  reload(cause: ReloadCause): Promise<ReloadResult>;
  status(): Promise<StatusReport>;
  own(): ReplicaStatus;
  start(): void;
  close(): Promise<void>;
}>;

/** For so long a follower waits for the file that the others have; ConfigMaps arrive within two minutes. */
const FILE_ARRIVES_WITHIN_MS = 180_000;

/** Between tries to follow that change nothing. */
const FIRST_WAIT_MS = 2_000;
const LONGEST_WAIT_MS = 60_000;

const asGiven = ({ message }: Reason): string => message;

export const createReloads = (options: ReloadsOptions): Reloads => {
  const { read, replicas, now, onReload, onStatus } = options;
  let status: ReplicaStatus = {
    generation: 1,
    digest: options.digest,
    loadedAtMs: now(),
    secretsReadAtMs: now(),
    secretsProblem: undefined,
    lastError: undefined,
    behind: undefined,
    counts: { changed: 0, unchanged: 0, refused: 0 },
  };
  let waiting: { cause: ReloadCause; promise: Promise<ReloadResult> } | undefined;
  let running: Promise<unknown> = Promise.resolve();
  let target: { generation: number; digest: string; sinceMs: number } | undefined;
  let isClosed = false;
  let followWaitMs = FIRST_WAIT_MS;
  let nextFollowMs = 0;

  const set = (change: Partial<ReplicaStatus>): void => {
    status = { ...status, ...change };
    onStatus(status);
    replicas.tell(status);
  };

  const count = (outcome: ReloadOutcome) => ({ ...status.counts, [outcome]: status.counts[outcome] + 1 });

  /** A follower that has not the file of the others yet goes on waiting for it, and keeps its own number. */
  const numberFor = async (cause: ReloadCause, digest: string): Promise<number> => {
    if (cause === 'secrets') return status.generation;
    if (cause === 'request') return replicas.announce(status.generation, digest);
    if (!target || target.generation <= status.generation) return status.generation;
    const isThere = digest === target.digest || now() - target.sinceMs >= FILE_ARRIVES_WITHIN_MS;
    return isThere ? target.generation : status.generation;
  };

  const accept = (candidate: Candidate, cause: ReloadCause, generation: number): void => {
    candidate.accepted();
    const atMs = now();
    const outcome = candidate.changed.length > 0 ? 'changed' : 'unchanged';
    if (cause === 'secrets' && outcome === 'unchanged') {
      set({ secretsReadAtMs: atMs, secretsProblem: undefined });
      return;
    }
    set({
      generation,
      digest: candidate.digest,
      ...(cause !== 'secrets' && { loadedAtMs: atMs }),
      secretsReadAtMs: atMs,
      secretsProblem: undefined,
      lastError: undefined,
      behind: target && target.generation > generation ? target.generation : undefined,
      counts: count(outcome),
    });
  };

  const attempt = async (cause: ReloadCause): Promise<ReloadResult> => {
    let explain: Candidate['explain'] = asGiven;
    let prepared: Prepared | undefined;
    try {
      if (isClosed) throw new ReloadRefused([{ message: 'the service is stopping' }]);
      const candidate = await read(cause);
      explain = candidate.explain;
      const { changed, needRestart } = candidate;
      if (needRestart.length > 0) throw new ReloadRefused(needRestart);
      if (changed.length > 0) prepared = await candidate.prepare();
      const generation = await numberFor(cause, candidate.digest);
      const taken = prepared;
      prepared = undefined;
      await taken?.commit(generation);
      accept(candidate, cause, generation);
      return { outcome: changed.length > 0 ? 'changed' : 'unchanged', generation, changed, problems: [] };
    } catch (error) {
      await prepared?.discard();
      const problems = reasonsOf(error).map(explain);
      if (cause === 'secrets') set({ secretsProblem: problems.join('\n'), counts: count('refused') });
      else set({ lastError: { atMs: now(), problems }, counts: count('refused') });
      return { outcome: 'refused', generation: status.generation, changed: [], problems };
    }
  };

  /** What was the matter before, which needs no second line in the log. */
  const told = ({ secretsProblem, lastError }: ReplicaStatus, cause: ReloadCause): string | undefined =>
    cause === 'secrets' ? secretsProblem : lastError?.problems.join('\n');

  const run = async (cause: ReloadCause): Promise<ReloadResult> => {
    const startedAtMs = performance.now();
    const before = status;
    const result = await attempt(cause);
    followWaitMs = result.outcome === 'refused' ? Math.min(followWaitMs * 2, LONGEST_WAIT_MS) : FIRST_WAIT_MS;
    nextFollowMs = now() + followWaitMs;
    const isNews =
      cause === 'request' ||
      result.outcome === 'changed' ||
      result.generation !== before.generation ||
      (result.outcome === 'refused' && result.problems.join('\n') !== told(before, cause));
    if (isNews) onReload({ ...result, cause, durationMs: Math.round(performance.now() - startedAtMs) });
    return result;
  };

  /** All who ask before the next one begins are answered by that one. */
  const reload = (cause: ReloadCause): Promise<ReloadResult> => {
    if (waiting) {
      if (cause === 'request' || waiting.cause === 'secrets') waiting.cause = cause;
      return waiting.promise;
    }
    const next = (): Promise<ReloadResult> => {
      const asked = waiting?.cause ?? cause;
      waiting = undefined;
      return run(asked);
    };
    const promise = running.then(next);
    waiting = { cause, promise };
    running = promise;
    return promise;
  };

  const onNews = (generation: number, digest: string): void => {
    if (generation <= status.generation) return;
    if (target?.generation !== generation) target = { generation, digest, sinceMs: now() };
    if (status.behind !== generation) set({ behind: generation });
    else if (now() < nextFollowMs) return;
    void reload('follow');
  };

  return {
    reload,
    own: () => status,

    async status() {
      const seen = await replicas.list();
      const others = seen.replicas.filter(({ id }) => id !== replicas.id);
      return {
        id: replicas.id,
        replicas: [{ id: replicas.id, seenAtMs: now(), status }, ...others],
        problem: seen.problem,
      };
    },

    start() {
      onStatus(status);
      replicas.start(status, { onNews, onRenumbered: (generation) => set({ generation, behind: undefined }) });
    },

    async close() {
      isClosed = true;
      await running;
      await replicas.close();
    },
  };
};
