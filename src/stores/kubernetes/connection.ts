/** HTTP to the API server: JSON there and back, in time. */
import { Agent, type Dispatcher, ProxyAgent, request } from 'undici';
import { ClusterFault } from '../../core/cluster-fault.ts';
import type { Credentials, Login } from './login.ts';

export type Answer = Readonly<{
  status: number;
  /** Undefined where it is no JSON. */
  body: unknown;
  retryAfterMs?: number;
}>;

export type Asked = Readonly<{
  query?: Readonly<Record<string, string>>;
  body?: unknown;
  /** When the answer has to be there. */
  signal: AbortSignal;
}>;

export type Incoming = Readonly<{ status: number; retryAfterMs?: number; chunks: AsyncIterable<Uint8Array> }>;

/** Both throw `ClusterFault` of kind `unreachable` where there is no answer, or none in time. */
export type Connection = Readonly<{
  call(method: string, path: string, asked: Asked): Promise<Answer>;
  /** An answer that is read as it comes. Its end is by the signal or by the other side; chunks throw Node's errors. */
  open(path: string, asked: Omit<Asked, 'body'>): Promise<Incoming>;
  close(): Promise<void>;
}>;

/** A page of pods is a few megabytes. */
const MAX_BYTES = 32 * 1024 * 1024;

/** Half-open connections are found: a watch may be silent for a minute and be well. */
const KEEP_ALIVE_PROBE_MS = 15_000;

/** Shorter than the 90 seconds of an API server. Who pays after a quiet minute waits for no handshake. */
const IDLE_MS = 60_000;

const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? ` (${error.code})` : '';
  return error.name === 'TimeoutError' ? 'in time' : `: ${error.message}${code}`;
};

/** Seconds; the API server sends no dates. */
const retryAfterOf = (value: string | string[] | undefined): number | undefined => {
  const seconds = typeof value === 'string' ? Number(value) : Number.NaN;
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
};

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

export const readBody = async (chunks: AsyncIterable<Uint8Array>): Promise<unknown> => {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new Error(`its answer is longer than ${MAX_BYTES} bytes`);
    parts.push(chunk);
  }
  return parse(Buffer.concat(parts).toString('utf8'));
};

const dispatcherOf = ({ tls }: Credentials, proxy: string | undefined, timeoutMs: number): Dispatcher => {
  const connect = { ...tls, timeout: timeoutMs, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_PROBE_MS };
  // Who asks says how long it waits.
  const timeouts = { headersTimeout: 0, bodyTimeout: 0, keepAliveTimeout: IDLE_MS, keepAliveMaxTimeout: IDLE_MS };
  return proxy === undefined
    ? new Agent({ connect, ...timeouts })
    : new ProxyAgent({ uri: proxy, requestTls: connect, ...timeouts });
};

const sameTls = (one: Credentials['tls'], other: Credentials['tls']): boolean =>
  (['ca', 'cert', 'key'] as const).every((key) => String(one[key]) === String(other[key]));

/** Keeps connections, and makes new ones where certificates have been renewed. */
export const createConnection = ({ server, proxy, credentials }: Login, connectTimeoutMs: number): Connection => {
  let kept: Readonly<{ tls: Credentials['tls']; dispatcher: Dispatcher }> | undefined;

  const dispatcherFor = (now: Credentials): Dispatcher => {
    if (kept && sameTls(kept.tls, now.tls)) return kept.dispatcher;
    // What is under way on the old one ends by itself, and a watch is not cut.
    kept?.dispatcher.close().catch(() => undefined);
    kept = { tls: now.tls, dispatcher: dispatcherOf(now, proxy, connectTimeoutMs) };
    return kept.dispatcher;
  };

  const send = async (method: string, path: string, { query = {}, body, signal }: Asked) => {
    const known = await Promise.race([credentials(), aborted(signal)]);
    const url = new URL(`${server.pathname.replace(/\/$/, '')}${path}`, server);
    url.search = new URLSearchParams(query).toString();
    return request(url, {
      method,
      dispatcher: dispatcherFor(known),
      signal,
      headers: {
        ...known.headers,
        accept: 'application/json',
        'user-agent': 'sallyport',
        'content-type': 'application/json',
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  };

  const within = async <T>(asking: () => Promise<T>): Promise<T> => {
    try {
      return await asking();
    } catch (error) {
      const message = `The API server ${server.host} does not answer${spaced(reasonOf(error))}`;
      throw new ClusterFault('unreachable', message, { cause: error });
    }
  };

  const open: Connection['open'] = (path, asked) =>
    within(async () => {
      const { statusCode, headers, body } = await send('GET', path, asked);
      const retryAfterMs = retryAfterOf(headers['retry-after']);
      return { status: statusCode, ...(retryAfterMs !== undefined && { retryAfterMs }), chunks: body };
    });

  return {
    open,
    call: (method, path, asked) =>
      within(async () => {
        const { statusCode, headers, body } = await send(method, path, asked);
        const retryAfterMs = retryAfterOf(headers['retry-after']);
        return { status: statusCode, ...(retryAfterMs !== undefined && { retryAfterMs }), body: await readBody(body) };
      }),
    close: async () => {
      await kept?.dispatcher.destroy();
    },
  };
};

const spaced = (reason: string): string => (reason.startsWith(':') ? reason : ` ${reason}`);

/** Programs that log in may take their time; nobody waits for longer than it was said. */
const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
