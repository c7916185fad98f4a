/** `envoy.data.accesslog.v3.HTTPAccessLogEntry`: of its many fields, those that usage counts. */
import { within } from '../protobuf/fields.ts';
import type { MessageReader } from '../protobuf/reader.ts';

export type LogEntry = {
  /** Envoy's `x-request-id`; empty where it makes none. */
  streamId: string;
  /** Whole milliseconds since the epoch, and nanoseconds beyond; both 0 where Envoy does not say. */
  startMs: number;
  startNs: number;
  durationMs: number;
  /** Written while the request goes on: another entry follows at its end. */
  isIntermediate: boolean;
  /** By number (`AccessLogType`); 0 where Envoy does not say. */
  type: number;
  /** By number (`RequestMethod`). */
  method: number;
  authority: string;
  path: string;
  requestBytes: number;
  responseBytes: number;
  status: number;
  /** Why the answer is what it is, in Envoy's words. */
  details: string;
  /** What ext_authz left of its answer (`filter_metadata["envoy.filters.http.ext_authz"]`): texts by name. */
  identity: Map<string, string> | undefined;
  /** The headers that the log was told to carry. */
  headers: Map<string, string> | undefined;
};

const NAMESPACE = 'envoy.filters.http.ext_authz';

const draft = (): LogEntry => ({
  streamId: '',
  startMs: 0,
  startNs: 0,
  durationMs: 0,
  isIntermediate: false,
  type: 0,
  method: 0,
  authority: '',
  path: '',
  requestBytes: 0,
  responseBytes: 0,
  status: 0,
  details: '',
  identity: undefined,
  headers: undefined,
});

const NANOS = 1_000_000_000;
/** Beyond it no date can be made of milliseconds; negative ones are beyond it as well. */
const GREATEST_SECONDS = 8.64e12;

/** A `Timestamp` or a `Duration`; 0 where it is out of range. */
const readTime = (reader: MessageReader): Readonly<{ seconds: number; nanos: number }> => {
  let seconds = 0;
  let nanos = 0;
  within(reader, (field) => {
    if (field === 1) seconds = reader.varint();
    else if (field === 2) nanos = reader.varint();
    else reader.skip();
  });
  return seconds < GREATEST_SECONDS && nanos < NANOS ? { seconds, nanos } : { seconds: 0, nanos: 0 };
};

const readPair = (reader: MessageReader): readonly [string, string] => {
  let name = '';
  let value = '';
  within(reader, (field) => {
    if (field === 1) name = reader.text();
    else if (field === 2) value = reader.text();
    else reader.skip();
  });
  return [name, value];
};

/** A `Value` of a `Struct`, where it is text. */
const readTextValue = (reader: MessageReader): string => {
  let value = '';
  within(reader, (field) => {
    if (field === 3) value = reader.text();
    else reader.skip();
  });
  return value;
};

const readStructEntry = (reader: MessageReader, texts: Map<string, string>) => {
  let key = '';
  let value = '';
  within(reader, (field) => {
    if (field === 1) key = reader.text();
    else if (field === 2) value = readTextValue(reader);
    else reader.skip();
  });
  texts.set(key, value);
};

const readFilterMetadata = (reader: MessageReader, entry: LogEntry) => {
  let name = '';
  within(reader, (field) => {
    if (field === 1) {
      name = reader.latin1();
    } else if (field === 2 && name === NAMESPACE) {
      const texts = entry.identity ?? new Map<string, string>();
      entry.identity = texts;
      within(reader, (inner) => (inner === 1 ? readStructEntry(reader, texts) : reader.skip()));
    } else {
      reader.skip();
    }
  });
};

const readCommon = (reader: MessageReader, entry: LogEntry) => (field: number) => {
  switch (field) {
    case 5: {
      const { seconds, nanos } = readTime(reader);
      entry.startMs = seconds * 1_000 + Math.floor(nanos / 1_000_000);
      entry.startNs = nanos % 1_000_000;
      return;
    }
    case 17:
      return within(reader, (inner) => (inner === 1 ? readFilterMetadata(reader, entry) : reader.skip()));
    case 23: {
      const { seconds, nanos } = readTime(reader);
      entry.durationMs = seconds * 1_000 + nanos / 1_000_000;
      return;
    }
    case 26:
      entry.streamId = reader.latin1();
      return;
    case 27:
      entry.isIntermediate = reader.varint() !== 0;
      return;
    case 33:
      entry.type = reader.varint();
      return;
    default:
      reader.skip();
  }
};

const readRequest = (reader: MessageReader, entry: LogEntry) => (field: number) => {
  switch (field) {
    case 1:
      entry.method = reader.varint();
      return;
    case 3:
      entry.authority = reader.latin1();
      return;
    case 5:
      entry.path = reader.latin1();
      return;
    case 11:
    case 12:
      entry.requestBytes += reader.varint();
      return;
    case 13: {
      entry.headers ??= new Map();
      entry.headers.set(...readPair(reader));
      return;
    }
    default:
      reader.skip();
  }
};

const readResponse = (reader: MessageReader, entry: LogEntry) => (field: number) => {
  switch (field) {
    case 1:
      return within(reader, (inner) => {
        if (inner === 1) entry.status = reader.varint();
        else reader.skip();
      });
    case 2:
    case 3:
      entry.responseBytes += reader.varint();
      return;
    case 6:
      entry.details = reader.latin1();
      return;
    default:
      reader.skip();
  }
};

/** Reads the entry that is the value of the field just found. */
export const readLogEntry = (reader: MessageReader): LogEntry => {
  const entry = draft();
  within(reader, (field) => {
    if (field === 1) within(reader, readCommon(reader, entry));
    else if (field === 3) within(reader, readRequest(reader, entry));
    else if (field === 4) within(reader, readResponse(reader, entry));
    else reader.skip();
  });
  return entry;
};
