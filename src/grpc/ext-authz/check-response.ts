/** `envoy.service.auth.v3.CheckResponse`, as Envoy 1.40 acts on it. */
import { isUtf8 } from 'node:buffer';
import type { Allow, Headers } from '../../core/decision.ts';
import type { Identity } from '../../core/identity.ts';
import { perObject } from '../../core/per-object.ts';
import { type Refusal, refusalKinds } from '../../core/refusal.ts';
import { type Bytes, bytesField, mapEntry, messageField, textField, varintField } from '../protobuf/writer.ts';
import type { Fields } from '../server/method.ts';

/** A refusal as clients of any proxy see it. */
export type HttpAnswer = Readonly<{ status: number; headers: Headers; body: string }>;

const APPEND = 0;
/** What Envoy does by default adds to the client's own copy. */
const OVERWRITE = 2;

/** `value` is one character a byte, and UTF-8: Envoy takes no message whose texts are anything else. */
const header = (field: number, name: string, value: Bytes, action: number): Bytes => {
  const pair = bytesField(1, textField(1, name.toLowerCase()) + bytesField(2, value));
  return bytesField(field, pair + varintField(3, action));
};

const OK_HEADERS = 2;
const OK_REMOVE = 5;
const OK_TO_CLIENT = 6;

/** What has no value is taken off the request. */
const upstreamFields = perObject(
  (upstream: Headers): Bytes =>
    Object.entries(upstream)
      .map(([name, value]) =>
        value === '' ? textField(OK_REMOVE, name.toLowerCase()) : header(OK_HEADERS, name, value, OVERWRITE),
      )
      .join(''),
);

/** The application's own cookies stay beside ours. */
const clientFields = (client: Headers): Bytes[] =>
  Object.entries(client).map(([name, value]) =>
    header(OK_TO_CLIENT, name, value, name.toLowerCase() === 'set-cookie' ? APPEND : OVERWRITE),
  );

const isUtf8Text = (text: Bytes): boolean => isUtf8(Buffer.from(text, 'latin1'));

/** Cookies that no message can carry are taken off with the session that is among them. */
const cookieField = (cookie: string | undefined): Bytes[] => {
  if (cookie === undefined) return [];
  const isKept = cookie !== '' && isUtf8Text(cookie);
  return [isKept ? header(OK_HEADERS, 'cookie', cookie, OVERWRITE) : textField(OK_REMOVE, 'cookie')];
};

/** Names under `envoy.filters.http.ext_authz`, from where access logs carry them back. */
type Known = Readonly<{ rule: string; requestId: string; identity: Identity | undefined }>;

const metadataText = (key: string, value: string): Bytes => mapEntry(1, key, messageField(2, [textField(3, value)]));

const identityMetadata = perObject(
  (identity: Identity): Bytes =>
    [
      metadataText('key_id', identity.method === 'api_key' ? identity.keyId : ''),
      metadataText('user_id', identity.subject),
      metadataText('method', identity.method),
    ].join(''),
);

const metadata = ({ rule, requestId, identity }: Known): Bytes =>
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

const denied = ({ status, headers, body }: HttpAnswer): Bytes =>
  [
    messageField(DENIED_STATUS, [varintField(1, status)]),
    ...Object.entries(headers).map(([name, value]) => header(DENIED_HEADERS, name, value, OVERWRITE)),
    textField(DENIED_BODY, body),
  ].join('');

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
