/** `envoy.service.auth.v3.CheckResponse`, as Envoy 1.40 acts on it. */
import type { Allow, Headers } from '../../core/decision.ts';
import type { Identity } from '../../core/identity.ts';
import { perObject } from '../../core/per-object.ts';
import { type Refusal, refusalKinds } from '../../core/refusal.ts';
import { mapEntry, messageField, textField, varintField } from '../protobuf/writer.ts';
import type { Fields } from '../server/method.ts';

/** A refusal as clients of any proxy see it. */
export type HttpAnswer = Readonly<{ status: number; headers: Headers; body: string }>;

const APPEND = 0;
/** What Envoy does by default adds to the client's own copy. */
const OVERWRITE = 2;

/** Header values are one character a byte; Envoy takes no message whose texts are not UTF-8. */
const bytesOf = (value: string): Buffer => Buffer.from(value, 'latin1');

const header = (field: number, name: string, value: string, action: number): Buffer => {
  const pair = [textField(1, name.toLowerCase()), messageField(2, [bytesOf(value)])];
  return messageField(field, [messageField(1, pair), varintField(3, action)]);
};

const OK_HEADERS = 2;
const OK_REMOVE = 5;
const OK_TO_CLIENT = 6;

/** What has no value is taken off the request. */
const upstreamFields = perObject(
  (upstream: Headers): Buffer =>
    Buffer.concat(
      Object.entries(upstream).map(([name, value]) =>
        value === '' ? textField(OK_REMOVE, name.toLowerCase()) : header(OK_HEADERS, name, value, OVERWRITE),
      ),
    ),
);

/** The application's own cookies stay beside ours. */
const clientFields = (client: Headers): Buffer[] =>
  Object.entries(client).map(([name, value]) =>
    header(OK_TO_CLIENT, name, value, name.toLowerCase() === 'set-cookie' ? APPEND : OVERWRITE),
  );

const isUtf8 = (bytes: Buffer): boolean => Buffer.from(bytes.toString('utf8')).equals(bytes);

/** Cookies that no message can carry are taken off with the session that is among them. */
const cookieField = (cookie: string | undefined): Buffer[] => {
  if (cookie === undefined) return [];
  const isKept = cookie !== '' && isUtf8(bytesOf(cookie));
  return [isKept ? header(OK_HEADERS, 'cookie', cookie, OVERWRITE) : textField(OK_REMOVE, 'cookie')];
};

/** Names under `envoy.filters.http.ext_authz`, from where access logs carry them back. */
type Known = Readonly<{ rule: string; requestId: string; identity: Identity | undefined }>;

const metadataText = (key: string, value: string): Buffer => mapEntry(1, key, messageField(2, [textField(3, value)]));

const identityMetadata = perObject(
  (identity: Identity): Buffer =>
    Buffer.concat([
      metadataText('key_id', identity.method === 'api_key' ? identity.keyId : ''),
      metadataText('user_id', identity.subject),
      metadataText('method', identity.method),
    ]),
);

const metadata = ({ rule, requestId, identity }: Known): Buffer =>
  messageField(4, [
    ...(identity ? [identityMetadata(identity)] : []),
    metadataText('rule', rule),
    metadataText('request_id', requestId),
  ]);

const allowed = messageField(1, []);

export const encodeAllow = (
  { upstream, client, remove, cookie, identity }: Allow,
  known: Omit<Known, 'identity'>,
): Fields => {
  const ok = [
    upstreamFields(upstream),
    ...remove.map((name) => textField(OK_REMOVE, name)),
    ...cookieField(cookie),
    ...clientFields(client),
  ];
  return [allowed, messageField(3, ok), metadata({ ...known, identity })];
};

const DENIED_STATUS = 1;
const DENIED_HEADERS = 2;
const DENIED_BODY = 3;

const denied = ({ status, headers, body }: HttpAnswer): Buffer =>
  Buffer.concat([
    messageField(DENIED_STATUS, [varintField(1, status)]),
    ...Object.entries(headers).map(([name, value]) => header(DENIED_HEADERS, name, value, OVERWRITE)),
    textField(DENIED_BODY, body),
  ]);

const deniedFields = perObject(denied);

/** `answer` is one object for as long as the refusal is. */
export const encodeDeny = ({ code }: Refusal, answer: HttpAnswer, known: Known): Fields => {
  const { grpc, title } = refusalKinds[code];
  return [
    // Without a code Envoy takes the answer for a permission.
    messageField(1, [varintField(1, grpc), textField(2, title)]),
    messageField(2, [deniedFields(answer), header(DENIED_HEADERS, 'x-request-id', known.requestId, OVERWRITE)]),
    metadata(known),
  ];
};
