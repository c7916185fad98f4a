/** `envoy.service.accesslog.v3.StreamAccessLogsMessage`. */
import { eachField, within } from '../protobuf/fields.ts';
import { decodeMessage, type MessageReader } from '../protobuf/reader.ts';
import { type LogEntry, readLogEntry } from './log-entry.ts';

export type LogMessage = Readonly<{
  /** In the first message of a stream. */
  identifier: Readonly<{ node: string; logName: string }> | undefined;
  http: readonly LogEntry[];
}>;

const readNodeId = (reader: MessageReader): string => {
  let id = '';
  within(reader, (field) => {
    if (field === 1) id = reader.text();
    else reader.skip();
  });
  return id;
};

const readIdentifier = (reader: MessageReader): NonNullable<LogMessage['identifier']> => {
  let node = '';
  let logName = '';
  within(reader, (field) => {
    if (field === 1) node = readNodeId(reader);
    else if (field === 2) logName = reader.text();
    else reader.skip();
  });
  return { node, logName };
};

const decode = (reader: MessageReader): LogMessage => {
  let identifier: LogMessage['identifier'];
  const http: LogEntry[] = [];
  eachField(reader, (field) => {
    if (field === 1) identifier = readIdentifier(reader);
    else if (field === 2)
      within(reader, (inner) => void (inner === 1 ? http.push(readLogEntry(reader)) : reader.skip()));
    else reader.skip();
  });
  return { identifier, http };
};

/** Undefined where the bytes are no such message. */
export const decodeLogMessage = (bytes: Buffer): LogMessage | undefined => decodeMessage(bytes, decode);
