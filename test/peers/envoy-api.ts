/** Envoy's messages by protobufjs, which shares nothing with our own codec, and their services as a grpc-js client calls them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import grpc from '@grpc/grpc-js';
import protobuf from 'protobufjs';

const { root } = protobuf.parse(readFileSync(join(import.meta.dirname, 'envoy-api.proto'), 'utf8'), {
  keepCase: true,
});

type Plain = Readonly<Record<string, unknown>>;

export type MessageName =
  | 'CheckRequest'
  | 'CheckResponse'
  | 'StreamAccessLogsMessage'
  | 'Empty'
  | 'HealthCheckRequest'
  | 'HealthCheckResponse';

const typeOf = (name: MessageName) => root.lookupType(`envoy.${name}`);

export const encode = (name: MessageName, message: Plain): Buffer => {
  const type = typeOf(name);
  return Buffer.from(type.encode(type.fromObject(message)).finish());
};

// biome-ignore lint/suspicious/noExplicitAny: what a test reads of an answer is what it asserts
export const decode = (name: MessageName, bytes: Buffer): any =>
  typeOf(name).toObject(typeOf(name).decode(bytes), { defaults: true, longs: Number });

const method = (
  path: string,
  ask: MessageName,
  answer: MessageName,
  streams: [request: boolean, response: boolean],
) => ({
  path,
  requestStream: streams[0],
  responseStream: streams[1],
  requestSerialize: (message: Plain | Buffer) => (Buffer.isBuffer(message) ? message : encode(ask, message)),
  requestDeserialize: (bytes: Buffer) => decode(ask, bytes),
  responseSerialize: (message: Plain) => encode(answer, message),
  responseDeserialize: (bytes: Buffer) => decode(answer, bytes),
});

/** By path; a `Buffer` in the place of a message is sent as it is. */
export const methods = {
  check: method('/envoy.service.auth.v3.Authorization/Check', 'CheckRequest', 'CheckResponse', [false, false]),
  logs: method('/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs', 'StreamAccessLogsMessage', 'Empty', [
    true,
    false,
  ]),
  health: method('/grpc.health.v1.Health/Check', 'HealthCheckRequest', 'HealthCheckResponse', [false, false]),
  watch: method('/grpc.health.v1.Health/Watch', 'HealthCheckRequest', 'HealthCheckResponse', [false, true]),
} as const;

type Client = InstanceType<typeof grpc.Client>;

/** A genuine client. It is closed with its owner. */
export const createClient = (
  port: number,
  owner: Readonly<{ after(close: () => void): void }>,
  options: grpc.ChannelOptions = {},
  credentials: grpc.ChannelCredentials = grpc.credentials.createInsecure(),
): Client => {
  const client = new grpc.Client(`127.0.0.1:${port}`, credentials, {
    'grpc.use_local_subchannel_pool': 1,
    ...options,
  });
  owner.after(() => client.close());
  return client;
};

// biome-ignore lint/suspicious/noExplicitAny: see decode
export type Outcome = Readonly<{ code: number; details: string; message: any }>;

/** Never rejects: how a call ends is what the tests ask about. */
export const callUnary = (
  client: Client,
  which: 'check' | 'health',
  message: Plain | Buffer,
  options: grpc.CallOptions = {},
): Promise<Outcome> =>
  new Promise((resolve) => {
    const { path, requestSerialize, responseDeserialize } = methods[which];
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      message,
      new grpc.Metadata(),
      options,
      (error, answer) => resolve({ code: error?.code ?? 0, details: error?.details ?? '', message: answer }),
    );
  });

/** A Check for an HTTP request; `more` is put beside `request` in its attributes. */
export const checkOf = (http: Plain, more: Plain = {}): Plain => ({
  attributes: {
    source: { address: { socket_address: { address: '203.0.113.9', port_value: 4711 } } },
    request: { http: { method: 'GET', host: 'api.example.com', path: '/free/1', scheme: 'http', ...http } },
    ...more,
  },
});
