/** One connection of a watch: what is told on it, until it ends. */
import { ClusterFault } from '../../core/cluster-fault.ts';
import { podSelector } from '../../core/pod-marks.ts';
import type { Watcher } from '../../pods/cluster.ts';
import { type Connection, readBody } from './connection.ts';
import { faultOf } from './fault.ts';
import { at, numberAt, textAt } from './json.ts';
import { jsonLines } from './json-lines.ts';
import { readPod } from './seen-pod.ts';

export type PodStreamOptions = Readonly<{
  connection: Connection;
  /** Its path. */
  collection: string;
  watcher: Pick<Watcher, 'onChanged' | 'onGone'>;
  /** For the answer to begin. */
  connectMs: number;
  /** Without a word. */
  silenceMs: number;
  /** Told once what comes is heard. */
  onHeard(): void;
  /** What was told is known up to this version. */
  onVersion(version: string): void;
  /** Ends it. */
  signal: AbortSignal;
}>;

/** After which the API server ends it, so that the watches of a cluster spread over its servers again. */
const LONGEST_SECONDS = 290;

const asked = {
  labelSelector: podSelector,
  watch: 'true',
  allowWatchBookmarks: 'true',
  timeoutSeconds: String(LONGEST_SECONDS),
};

const GONE = 410;

/** How it ended: `gone`: changes were forgotten before they were told, only a list helps. */
export type StreamEnd = 'over' | 'gone';

const isGone = (event: unknown): boolean =>
  numberAt(event, 'object', 'code') === GONE || at(event, 'object', 'reason') === 'Expired';

const take = (event: unknown, { watcher, onVersion }: PodStreamOptions): StreamEnd | undefined => {
  const type = at(event, 'type');
  const object = at(event, 'object');
  if (type === 'ERROR') {
    if (isGone(event)) return 'gone';
    throw new ClusterFault(
      'refused',
      `The watch tells of an error: ${textAt(object, 'message') ?? 'without a reason'}`,
    );
  }
  const pod = type === 'BOOKMARK' ? undefined : readPod(object);
  if (pod && type === 'DELETED') watcher.onGone(pod);
  else if (pod) watcher.onChanged(pod);
  const version = textAt(object, 'metadata', 'resourceVersion');
  if (version !== undefined) onVersion(version);
  return undefined;
};

/** Throws where it broke off, or could not be begun: `ClusterFault` where the API server does not let it. */
export const followPods = async (version: string, options: PodStreamOptions): Promise<StreamEnd> => {
  const { connection, collection, connectMs, silenceMs, onHeard, signal } = options;
  const cut = new AbortController();
  const end = () => cut.abort(signal.reason);
  signal.addEventListener('abort', end);
  const tooLong = (ms: number) => () => cut.abort(new DOMException(`nothing was heard for ${ms} ms`, 'TimeoutError'));
  let timer = setTimeout(tooLong(connectMs), connectMs);

  async function* heard(chunks: AsyncIterable<Uint8Array>) {
    for await (const chunk of chunks) {
      timer.refresh();
      yield chunk;
    }
  }

  try {
    signal.throwIfAborted();
    const query = { ...asked, resourceVersion: version };
    const { chunks, ...answer } = await connection.open(collection, { query, signal: cut.signal });
    if (answer.status === GONE) return 'gone';
    if (answer.status !== 200) throw faultOf('Pods cannot be watched', { ...answer, body: await readBody(chunks) });
    clearTimeout(timer);
    timer = setTimeout(tooLong(silenceMs), silenceMs);
    onHeard();
    for await (const event of jsonLines(heard(chunks))) if (take(event, options) === 'gone') return 'gone';
    return 'over';
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
    cut.abort();
  }
};
