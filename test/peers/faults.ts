import type { Answer, Asked, Respond } from './loopback.ts';

/**
 * What a peer does to one request instead of answering it well. `act` does what the peer would have done and gives the
 * answer; a fault that never calls it leaves the peer's state untouched. No answer cuts the connection.
 */
export type Fault = (
  act: () => Promise<Answer | undefined>,
  asked: Asked,
) => Answer | undefined | Promise<Answer | undefined>;

/** The connection is cut before anything was done. */
export const droppedBefore: Fault = () => undefined;

/** The peer does its work, then the connection is cut: the client cannot know. */
export const droppedAfter: Fault = async (act) => {
  await act();
  return undefined;
};

/** The peer does its work, and the connection is cut in the middle of the answer. */
export const cutShort: Fault = async (act) => {
  const answer = await act();
  return answer && { ...answer, cutAfter: 10 };
};

/** 429, and nothing was done. */
export const rateLimited =
  (retryAfterS?: number): Fault =>
  () => ({ status: 429, ...(retryAfterS !== undefined && { headers: { 'retry-after': String(retryAfterS) } }) });

/** That status with that body, and nothing was done. */
export const answering =
  (status: number, body = ''): Fault =>
  () => ({ status, body });

/** The peer does its work, then claims to have failed. */
export const failingAfter =
  (status = 500): Fault =>
  async (act) => {
    await act();
    return { status, body: 'upstream error' };
  };

/** The peer does its work, then answers 200 with what is no JSON. */
export const badJson: Fault = async (act) => {
  await act();
  return { status: 200, headers: { 'content-type': 'application/json' }, body: '{"signatures": [' };
};

/** 200 with JSON that does not end, up to so many bytes. */
export const hugeBody =
  (bytes = 1024 ** 3): Fault =>
  () => ({ status: 200, headers: { 'content-type': 'application/json' }, body: padding(bytes) });

function* padding(bytes: number): Generator<string> {
  yield '{"padding": "';
  const chunk = 'x'.repeat(64 * 1024);
  for (let sent = 0; sent < bytes; sent += chunk.length) yield chunk;
  yield '"}';
}

/** Each leaves open whether the peer acted. */
export const silences: readonly (readonly [what: string, fault: Fault])[] = [
  ['is cut before the peer acts', droppedBefore],
  ['is cut after it has acted', droppedAfter],
  ['is cut in the middle', cutShort],
  ['is an error after it has acted', failingAfter(500)],
  ['is no JSON', badJson],
  ['is 429', rateLimited(3)],
  ['is 502 of a proxy', answering(502)],
  ['does not end', hugeBody()],
];

/** A redirect. Without a target, to the very same place, in a circle. */
export const redirected =
  (location?: string, status = 302): Fault =>
  (_act, asked) => ({ status, headers: { location: location ?? asked.url } });

export type Hold = Readonly<{
  fault: Fault;
  /** How many requests wait here now. */
  waiting(): number;
  /** Lets all that wait, and all that come later, go on. */
  release(): void;
}>;

/** Requests wait until the test lets them go: before the peer acts, or with its answer ready. */
export function hold(when: 'before' | 'after' = 'before'): Hold {
  const { promise, resolve } = Promise.withResolvers<void>();
  let waiting = 0;
  const wait = async () => {
    waiting += 1;
    await promise;
    waiting -= 1;
  };
  const fault: Fault = async (act) => {
    if (when === 'before') await wait();
    const answer = await act();
    if (when === 'after') await wait();
    return answer;
  };
  return { fault, waiting: () => waiting, release: resolve };
}

export type FaultTable = Readonly<{
  /** From now on, or for the next `times` requests, treats a path so. `/v1/keys/*` means all below it, `*` everything. */
  set(path: string, fault: Fault, options?: { times?: number }): void;
  /** Behaves well again: at this path, or everywhere. */
  clear(path?: string): void;
  /** How many requests a path has seen, whatever became of them. */
  seen(path: string): number;
  /** The latest requests to a path, at most 1,000. */
  requests(path: string): readonly Asked[];
}>;

const remembered = 1_000;

/** Wraps a peer's respond function so that faults can be set on its paths and its requests counted. */
export function withFaults(respond: Respond): { respond: Respond; faults: FaultTable } {
  const faults = new Map<string, { fault: Fault; left: number }>();
  const seen = new Map<string, Asked[]>();
  const counts = new Map<string, number>();
  const matches = (pattern: string, path: string) =>
    pattern === path || (pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1)));

  const faulty: Respond = (asked) => {
    const [path = ''] = asked.url.split('?');
    counts.set(path, (counts.get(path) ?? 0) + 1);
    seen.set(path, [...(seen.get(path) ?? []).slice(1 - remembered), asked]);
    const act = async () => respond(asked);
    for (const [pattern, entry] of faults) {
      if (!matches(pattern, path)) continue;
      entry.left -= 1;
      if (entry.left <= 0) faults.delete(pattern);
      return entry.fault(act, asked);
    }
    return act();
  };
  const sum = (pattern: string) =>
    [...counts].reduce((total, [path, count]) => total + (matches(pattern, path) ? count : 0), 0);
  return {
    respond: faulty,
    faults: {
      set: (path, fault, { times = Number.POSITIVE_INFINITY } = {}) => faults.set(path, { fault, left: times }),
      clear: (path) => (path === undefined ? faults.clear() : faults.delete(path)),
      seen: sum,
      requests: (pattern) => [...seen].flatMap(([path, list]) => (matches(pattern, path) ? list : [])),
    },
  };
}
