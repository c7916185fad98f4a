/** Reloading on the side of a worker: it builds what the primary sends, and uses it when all have built it. */
import type { Reason } from '../../reload/refused.ts';
import type { Prepared, Reloads } from '../../reload/reloads.ts';
import type { ReplicaStatus } from '../../reload/status.ts';
import type { FromPrimary, FromWorker } from './protocol.ts';

export type WorkerReloads = Readonly<{
  /** What this service loads. Asked before anything else. */
  recording(): Promise<string>;
  reloads: Pick<Reloads, 'reload' | 'status' | 'own'>;
  /** `prepare` builds what the recording says, beside what runs; it rejects with why it cannot. */
  onReload(prepare: (recording: string) => Promise<Prepared>, reasonsOf: (error: unknown) => readonly Reason[]): void;
}>;

export type WorkerChannel = Readonly<{
  tell(message: FromWorker): void;
  ask(message: Readonly<{ kind: 'recording' | 'reload' | 'report' }>, withinMs: number): Promise<FromPrimary>;
}>;

const ANSWER_WITHIN_MS = 5_000;
/** A reload fetches, builds and starts; whoever starts waits for one that is under way. */
const RELOAD_WITHIN_MS = 120_000;

const wrongAnswer = (): Error => new Error('the primary process answers something else');

export const createWorkerReloads = ({ tell, ask }: WorkerChannel) => {
  let status: ReplicaStatus | undefined;
  let wanted: number | undefined;
  let prepared: Prepared | undefined;
  let prepare = (_: string): Promise<Prepared> => Promise.reject(new Error('the worker is starting'));
  let reasonsOf = (error: unknown): readonly Reason[] => [{ message: String(error) }];

  const answer = (id: number, reasons: readonly Reason[]): void => tell({ kind: 'answered', id, reasons });

  const build = async (id: number, recording: string): Promise<void> => {
    wanted = id;
    try {
      const built = await prepare(recording);
      if (wanted === id) prepared = built;
      else await built.discard();
      answer(id, []);
    } catch (error) {
      answer(id, reasonsOf(error));
    }
  };

  const finish = async (id: number, how: 'commit' | 'discard'): Promise<void> => {
    if (wanted !== id) return;
    const built = prepared;
    [wanted, prepared] = [undefined, undefined];
    if (how === 'discard') return built?.discard();
    await built?.commit(id);
    answer(id, []);
  };

  /** Gives whether the message was about reloading. */
  const hear = (message: FromPrimary): boolean => {
    if (message.kind === 'own_status') status = message.status;
    else if (message.kind === 'prepare') void build(message.id, message.recording);
    else if (message.kind === 'commit' || message.kind === 'discard') void finish(message.id, message.kind);
    else return false;
    return true;
  };

  const own: WorkerReloads = {
    async recording() {
      const given = await ask({ kind: 'recording' }, RELOAD_WITHIN_MS);
      if (given.kind !== 'recording') throw wrongAnswer();
      status = given.status;
      return given.recording;
    },

    reloads: {
      async reload() {
        const given = await ask({ kind: 'reload' }, RELOAD_WITHIN_MS);
        if (given.kind !== 'reloaded') throw wrongAnswer();
        return given.result;
      },

      async status() {
        const given = await ask({ kind: 'report' }, ANSWER_WITHIN_MS);
        if (given.kind !== 'report') throw wrongAnswer();
        return given.report;
      },

      own() {
        if (!status) throw new Error('the primary process has not said what runs');
        return status;
      },
    },

    onReload(build, explain) {
      prepare = build;
      reasonsOf = explain;
    },
  };

  return { own, hear };
};
