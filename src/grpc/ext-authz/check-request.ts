/** `envoy.service.auth.v3.CheckRequest`: of its fields, those that a decision needs. */
import { eachField, within } from '../protobuf/fields.ts';
import { decodeMessage, type MessageReader } from '../protobuf/reader.ts';

export type HeaderLine = readonly [name: string, value: string];

export type CheckRequest = Readonly<{
  method: string;
  host: string;
  /** With its query, not decoded. */
  path: string;
  scheme: string;
  /** In the order they came in; lower-case names, values with one character for each byte. Pseudo-headers are left out. */
  headers: readonly HeaderLine[];
  /** Of the client, as Envoy makes it out; empty where it is no IP address. */
  sourceAddress: string;
  /** The client's certificate in PEM, percent-encoded; empty where Envoy does not tell. */
  certificate: string;
  /** What the configuration of the route says; no client can set it. */
  contextExtensions: ReadonlyMap<string, string>;
}>;

type Draft = {
  method: string;
  host: string;
  path: string;
  scheme: string;
  headers: HeaderLine[];
  sourceAddress: string;
  certificate: string;
  contextExtensions: Map<string, string>;
};

const readSocketAddress = (reader: MessageReader, draft: Draft) => (field: number) => {
  if (field === 2) draft.sourceAddress = reader.latin1();
  else reader.skip();
};

const readAddress = (reader: MessageReader, draft: Draft) => (field: number) => {
  if (field === 1) within(reader, readSocketAddress(reader, draft));
  else reader.skip();
};

const readSource = (reader: MessageReader, draft: Draft) => (field: number) => {
  if (field === 1) within(reader, readAddress(reader, draft));
  else if (field === 5) draft.certificate = reader.latin1();
  else reader.skip();
};

/** An entry of `map<string, string>` and a `HeaderValue` have the same form, but for the latter's `raw_value`. */
const readPair = (reader: MessageReader): HeaderLine => {
  let name = '';
  let value = '';
  within(reader, (field) => {
    if (field === 1) name = reader.latin1();
    else if (field === 2 || field === 3) value = reader.latin1() || value;
    else reader.skip();
  });
  return [name, value];
};

const addHeader = (draft: Draft, [name, value]: HeaderLine): void => {
  if (!name.startsWith(':')) draft.headers.push([name.toLowerCase(), value]);
};

const readHeaderMap = (reader: MessageReader, draft: Draft) => (field: number) => {
  if (field === 1) addHeader(draft, readPair(reader));
  else reader.skip();
};

const readHttp = (reader: MessageReader, draft: Draft) => (field: number) => {
  switch (field) {
    case 2:
      draft.method = reader.latin1();
      return;
    case 3:
      return addHeader(draft, readPair(reader));
    case 4:
      draft.path = reader.latin1();
      return;
    case 5:
      draft.host = reader.latin1();
      return;
    case 6:
      draft.scheme = reader.latin1();
      return;
    case 13:
      return within(reader, readHeaderMap(reader, draft));
    default:
      reader.skip();
  }
};

const readRequest = (reader: MessageReader, draft: Draft) => (field: number) => {
  if (field === 2) within(reader, readHttp(reader, draft));
  else reader.skip();
};

const readAttributes = (reader: MessageReader, draft: Draft) => (field: number) => {
  if (field === 1) within(reader, readSource(reader, draft));
  else if (field === 4) within(reader, readRequest(reader, draft));
  else if (field === 10) draft.contextExtensions.set(...readPair(reader));
  else reader.skip();
};

const decode = (reader: MessageReader): CheckRequest => {
  const draft: Draft = {
    method: '',
    host: '',
    path: '',
    scheme: '',
    headers: [],
    sourceAddress: '',
    certificate: '',
    contextExtensions: new Map(),
  };
  eachField(reader, (field) => {
    if (field === 1) within(reader, readAttributes(reader, draft));
    else reader.skip();
  });
  return draft;
};

/** Undefined where the bytes are no such message. */
export const decodeCheckRequest = (bytes: Buffer): CheckRequest | undefined => decodeMessage(bytes, decode);
