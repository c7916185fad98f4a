/** `grpc.health.v1.Health` (github.com/grpc/grpc/blob/master/doc/health-checking.md). */
import { eachField } from '../protobuf/fields.ts';
import { decodeMessage } from '../protobuf/reader.ts';
import { varintField } from '../protobuf/writer.ts';
import type { Fields, ServerStream, Unary } from '../server/method.ts';
import { type Failure, INVALID_ARGUMENT, isFailure, NOT_FOUND } from '../server/status.ts';

const SERVING = 1;
const NOT_SERVING = 2;
const SERVICE_UNKNOWN = 3;

export type HealthParts = Readonly<{
  /** Full names of the services; each is as ready as the whole. */
  services: readonly string[];
  isReady(): Promise<boolean>;
  /** Calls back every now and then until the function that it gives is called. */
  every(callback: () => void): () => void;
}>;

export type Health = Readonly<{
  check: Unary;
  watch: ServerStream;
  /** Tells those who watch at once. */
  changed(): void;
}>;

const noService: Failure = { code: NOT_FOUND, message: 'no such service' };
const malformed: Failure = { code: INVALID_ARGUMENT, message: 'no HealthCheckRequest' };

/** The service that is asked about; empty for the whole. */
const serviceIn = (message: Buffer | Failure): string | Failure => {
  if (isFailure(message)) return message;
  const service = decodeMessage(message, (reader) => {
    let name = '';
    eachField(reader, (field) => {
      if (field === 1) name = reader.text();
      else reader.skip();
    });
    return name;
  });
  return service ?? malformed;
};

const status = (value: number): Fields => [varintField(1, value)];

export const createHealthService = ({ services, isReady, every }: HealthParts): Health => {
  const isKnown = (service: string): boolean => service === '' || services.includes(service);
  const statusNow = async (): Promise<number> => ((await isReady()) ? SERVING : NOT_SERVING);
  const watching = new Set<(now: number) => void>();
  let stop: (() => void) | undefined;

  const look = async (): Promise<void> => {
    const now = await statusNow();
    for (const tell of watching) tell(now);
  };
  const changed = (): void => void look();

  const watch = (send: (fields: Fields) => void): (() => void) => {
    let last: number | undefined;
    const tell = (now: number): void => {
      if (now === last) return;
      last = now;
      send(status(now));
    };
    watching.add(tell);
    stop ??= every(changed);
    changed();
    return () => {
      watching.delete(tell);
      if (watching.size > 0) return;
      stop?.();
      stop = undefined;
    };
  };

  return {
    check: {
      kind: 'unary',
      answer(message) {
        const service = serviceIn(message);
        if (typeof service !== 'string') return service;
        return isKnown(service) ? statusNow().then(status) : noService;
      },
    },

    watch: {
      kind: 'server_stream',
      open(message, send) {
        const service = serviceIn(message);
        if (typeof service !== 'string') return service;
        if (isKnown(service)) return watch(send);
        send(status(SERVICE_UNKNOWN));
        return () => undefined;
      },
    },

    changed,
  };
};
