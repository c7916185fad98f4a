/** `envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs`: what Envoy served becomes usage. */
import type { RecordUsage } from '../../usage/usage-event.ts';
import type { ClientStream, Intake, Peer } from '../server/method.ts';
import { type Failure, INVALID_ARGUMENT, PERMISSION_DENIED } from '../server/status.ts';
import { decodeLogMessage, type LogMessage } from './log-message.ts';
import { type IdentityFrom, type Skipped, usageOfEntry } from './usage-of-entry.ts';

export type AccessLogParts = Readonly<{
  record: RecordUsage;
  /** Settles when there is room for more: until then nothing is read, and Envoy keeps its entries. */
  room(): Promise<void> | undefined;
  /** Stands in where an entry does not say when its request came. */
  now(): number;
  identityFrom: IdentityFrom;
  onStream(node: string, logName: string, peer: Peer): void;
  onEntries(result: 'recorded' | Skipped, count: number): void;
  onMalformed(peer: Peer): void;
}>;

const untrusted: Failure = { code: PERMISSION_DENIED, message: 'access logs count only from trusted_proxies' };
const malformed: Failure = { code: INVALID_ARGUMENT, message: 'no StreamAccessLogsMessage' };
const unidentified: Failure = { code: INVALID_ARGUMENT, message: 'the first message names no node and no log' };

export const createStreamAccessLogs = (parts: AccessLogParts): ClientStream => {
  const { record, room, now, identityFrom, onStream, onEntries, onMalformed } = parts;

  const recordAll = (entries: LogMessage['http'], node: string): void => {
    const nowMs = now();
    const counts = { recorded: 0, intermediate: 0, refused: 0, unnamed: 0 };
    for (const entry of entries) {
      const usage = usageOfEntry(entry, { node, identityFrom, nowMs });
      if (typeof usage === 'object') record(usage);
      counts[typeof usage === 'object' ? 'recorded' : usage] += 1;
    }
    for (const result of ['recorded', 'intermediate', 'refused', 'unnamed'] as const)
      if (counts[result] > 0) onEntries(result, counts[result]);
  };

  const openIntake = (peer: Peer): Intake => {
    let node: string | undefined;

    const take = (bytes: Buffer): Failure | undefined => {
      const message = decodeLogMessage(bytes);
      if (!message) {
        onMalformed(peer);
        return malformed;
      }
      if (message.identifier && node === undefined) {
        node = message.identifier.node;
        onStream(node, message.identifier.logName, peer);
      }
      if (node === undefined) return unidentified;
      recordAll(message.http, node);
      return undefined;
    };

    return {
      take(bytes) {
        const failure = take(bytes);
        if (failure) return failure;
        return room()?.then(() => undefined);
      },
      finish: () => [],
    };
  };

  return { kind: 'client_stream', open: (peer) => (peer.trusted ? openIntake(peer) : untrusted) };
};
