/**
 * Leases of `coordination.k8s.io/v1` by optimistic concurrency, as client-go elects leaders: another's lease has run out when
 * it has not changed for its duration by our own clock, so that nobody's idea of the time of day matters.
 */
import type { Connection } from './connection.ts';
import { faultOf } from './fault.ts';
import { at, isObject, numberAt, textAt } from './json.ts';

export type LeasesOptions = Readonly<{
  connection: Connection;
  namespace: string;
  /** Goes in steps of a clock that nobody sets, in milliseconds. */
  monotonicNow: () => number;
  /** For people who look at the object. */
  now: () => number;
}>;

export type Leases = Readonly<{
  hold(name: string, holder: string, durationMs: number, signal: AbortSignal): Promise<boolean>;
  release(name: string, holder: string, signal: AbortSignal): Promise<void>;
}>;

type Lease = Readonly<{ object: unknown; version: string; holder: string; durationMs: number; transitions: number }>;

const readLease = (object: unknown): Lease => ({
  object,
  version: textAt(object, 'metadata', 'resourceVersion') ?? '',
  holder: textAt(object, 'spec', 'holderIdentity') ?? '',
  durationMs: (numberAt(object, 'spec', 'leaseDurationSeconds') ?? 0) * 1000,
  transitions: numberAt(object, 'spec', 'leaseTransitions') ?? 0,
});

/** Go's `MicroTime` wants six digits. */
const microTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z');

export const createLeases = ({ connection, namespace, monotonicNow, now }: LeasesOptions): Leases => {
  const collection = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
  /** When another's lease was last seen to have changed. */
  const changes = new Map<string, Readonly<{ version: string; atMs: number }>>();

  const find = async (name: string, signal: AbortSignal): Promise<Lease | undefined> => {
    const answer = await connection.call('GET', `${collection}/${encodeURIComponent(name)}`, { signal });
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw faultOf(`Lease ${name} cannot be read`, answer);
    return readLease(answer.body);
  };

  const write = async (method: 'POST' | 'PUT', name: string, body: unknown, signal: AbortSignal): Promise<boolean> => {
    const path = method === 'POST' ? collection : `${collection}/${encodeURIComponent(name)}`;
    const answer = await connection.call(method, path, { body, signal });
    if (answer.status === 200 || answer.status === 201) return true;
    // Somebody else was faster, or it was deleted in between.
    if (answer.status === 409 || (method === 'PUT' && answer.status === 404)) return false;
    throw faultOf(`Lease ${name} cannot be written`, answer);
  };

  const isHeldByAnother = (name: string, { version, durationMs }: Lease): boolean => {
    const change = changes.get(name);
    if (change?.version === version) return monotonicNow() - change.atMs < durationMs;
    changes.set(name, { version, atMs: monotonicNow() });
    return true;
  };

  const replace = (name: string, lease: Lease, spec: Readonly<Record<string, unknown>>, signal: AbortSignal) => {
    const object = isObject(lease.object) ? lease.object : {};
    const before = at(object, 'spec');
    return write('PUT', name, { ...object, spec: { ...(isObject(before) ? before : {}), ...spec } }, signal);
  };

  const hold: Leases['hold'] = async (name, holder, durationMs, signal) => {
    const startedMs = monotonicNow();
    const time = microTime(now());
    const mine = { holderIdentity: holder, leaseDurationSeconds: Math.ceil(durationMs / 1000), renewTime: time };
    const lease = await find(name, signal);
    const isNew = lease?.holder !== holder;
    if (lease && isNew && lease.holder !== '' && isHeldByAnother(name, lease)) return false;
    const spec = { ...mine, ...(isNew && { acquireTime: time, leaseTransitions: (lease?.transitions ?? -1) + 1 }) };
    const metadata = { name, namespace };
    const isWritten = lease
      ? await replace(name, lease, spec, signal)
      : await write('POST', name, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec }, signal);
    // Others count from when they saw it written, and so from later than we do.
    return isWritten && monotonicNow() - startedMs < durationMs;
  };

  const release: Leases['release'] = async (name, holder, signal) => {
    const lease = await find(name, signal);
    if (lease?.holder !== holder) return;
    await replace(name, lease, { holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime(now()) }, signal);
  };

  return { hold, release };
};
