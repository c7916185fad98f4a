/** What an entry of Envoy's access log says that was used. */
import { bounded } from '../../checks/caller.ts';
import { parseHost, parseTarget } from '../../core/canonical.ts';
import { isRefusal } from '../../core/refusal.ts';
import type { UsageEvent } from '../../usage/usage-event.ts';
import type { LogEntry } from './log-entry.ts';

/** Why an entry is no usage. */
export type Skipped = 'intermediate' | 'refused' | 'unnamed';

/** `headers`: also the headers that Sallyport gave the application, as the log carries them. */
export type IdentityFrom = 'metadata' | 'headers';

/** `RequestMethod` (envoy/config/core/v3/base.proto), by number. */
const methods = ['', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'];

/** `AccessLogType`: of the entries of a request, its last; older Envoys say nothing. */
const NOT_SET = 0;
const DOWNSTREAM_END = 6;

const LONGEST_PATH = 2_048;

const pathOf = (target: string): string => {
  const read = parseTarget(target);
  const path = isRefusal(read) ? (/^[^?#]*/.exec(target)?.[0] ?? '') : read.path;
  return path.slice(0, LONGEST_PATH);
};

const hostOf = (authority: string): string => {
  const host = parseHost(authority);
  return isRefusal(host) ? '' : host;
};

/** Envoy answered by itself, because Sallyport refused the request or did not answer. */
const isRefused = ({ details }: LogEntry): boolean => details.startsWith('ext_authz_');

const isLast = ({ isIntermediate, type }: LogEntry): boolean =>
  !isIntermediate && (type === NOT_SET || type === DOWNSTREAM_END);

/**
 * One request has one `stream_id`, but that is its `x-request-id`, which Envoy takes over from clients it believes: together with
 * the moment at which the request came, it makes one request of no two. `node` stands in where Envoy makes no ids. Names are
 * bounded, for what is cut off the end of an id is what tells it from another.
 */
const idOf = ({ streamId, startMs, startNs, durationMs }: LogEntry, node: string): string | undefined => {
  const stream = bounded(streamId);
  if (startMs === 0) return stream === '' ? undefined : stream;
  const at = `${startMs}.${String(startNs).padStart(6, '0')}`;
  return stream === '' ? `${bounded(node)}/${at}/${durationMs}` : `${stream}/${at}`;
};

type Caller = Readonly<{ keyId: string; userId: string; rule: string }>;

const nobody: Caller = { keyId: '', userId: '', rule: '' };

/**
 * Metadata has the names of our Check, or, over HTTP, those of the headers of our answer. What a client can have set is not
 * looked at, unless the configuration says that no client can.
 */
const callerOf = ({ identity, headers }: LogEntry, from: IdentityFrom): Caller => {
  if (identity) {
    const said = (...names: string[]): string => names.map((name) => identity.get(name)).find(Boolean) ?? '';
    return { keyId: said('key_id', 'x-api-key-id'), userId: said('user_id', 'x-user-id'), rule: said('rule') };
  }
  if (from === 'metadata' || !headers) return nobody;
  return { keyId: headers.get('x-api-key-id') ?? '', userId: headers.get('x-user-id') ?? '', rule: '' };
};

type Context = Readonly<{ node: string; identityFrom: IdentityFrom; nowMs: number }>;

export const usageOfEntry = (entry: LogEntry, { node, identityFrom, nowMs }: Context): UsageEvent | Skipped => {
  if (!isLast(entry)) return 'intermediate';
  if (isRefused(entry)) return 'refused';
  const id = idOf(entry, node);
  if (id === undefined) return 'unnamed';
  return {
    id,
    source: 'access_log',
    atMs: entry.startMs || nowMs,
    ...callerOf(entry, identityFrom),
    method: methods[entry.method] ?? '',
    host: hostOf(entry.authority),
    path: pathOf(entry.path),
    status: entry.status,
    requestBytes: entry.requestBytes,
    responseBytes: entry.responseBytes,
    durationMs: entry.durationMs,
  };
};
