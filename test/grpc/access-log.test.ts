/** Access logs as a genuine gRPC client sends them, into the usage of the whole service. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import { createClient, encode, methods } from '../peers/envoy-api.ts';
import { type Sallyport, startSallyport } from '../sallyport.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';
import { requestsIn, sumsOf } from './usage-sums.ts';

const config = `
grpc: { addr: "127.0.0.1:0", max_message_size: 256KiB }
usage: { flush_interval: 20ms }
rules: [{ name: free, match: { path: "/free/**" }, accept: [anonymous] }]
`;

type Owner = Parameters<typeof createClient>[1];

type Plain = Readonly<Record<string, unknown>>;

const identifier = { node: { id: 'envoy-1' }, log_name: 'sallyport' };

const START_S = Date.UTC(2026, 0, 1) / 1_000;

/** The entry of the n-th request of a key. */
const entry = (n: number, key = 'key_1'): Plain => ({
  common_properties: {
    stream_id: `request-${n}`,
    start_time: { seconds: START_S + (n % 3_000), nanos: n },
    duration: { seconds: 0, nanos: 1_000_000 },
    metadata: {
      filter_metadata: {
        'envoy.filters.http.ext_authz': {
          fields: {
            key_id: { string_value: key },
            user_id: { string_value: `user of ${key}` },
            rule: { string_value: 'orders' },
          },
        },
      },
    },
    access_log_type: 6,
  },
  request: {
    request_method: 1,
    authority: 'api.example.com',
    path: `/orders/${n}?secret=1`,
    request_headers_bytes: 10,
  },
  response: { response_code: { value: 200 }, response_body_bytes: 100, response_code_details: 'via_upstream' },
});

const logs = (log_entry: readonly Plain[], first = false): Plain => ({
  ...(first && { identifier }),
  http_logs: { log_entry },
});

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);

/** A stream as Envoy opens one. `ended` gives the code that it ends with. */
const open = (port: number, owner: Owner) => {
  const { path, requestSerialize, responseDeserialize } = methods.logs;
  const { promise: ended, resolve } = Promise.withResolvers<number>();
  const client = createClient(port, owner);
  const call = client.makeClientStreamRequest(path, requestSerialize, responseDeserialize, (error) =>
    resolve(error?.code ?? 0),
  );
  call.on('error', () => undefined);
  const send = (message: Plain | Buffer) => new Promise<void>((sent) => call.write(message, () => sent()));
  return { call, client, send, ended };
};

const send = async (port: number, owner: Owner, messages: readonly (Plain | Buffer)[]): Promise<number> => {
  const stream = open(port, owner);
  for (const message of messages) await stream.send(message);
  stream.call.end();
  return stream.ended;
};

const untilRequests = (gate: Sallyport, count: number) =>
  until(`${count} requests are counted`, async () => requestsIn(await sumsOf(gate)) === count, {
    deadlineMs: 30_000,
  }).catch((cause: unknown) => {
    throw new Error(`not counted; the service said:\n${gate.output()}`, { cause });
  });

const owner = { after };
const gate = await startSallyport({ owner, config });

/** A service of its own, for tests that count everything. */
const enter = (t: Owner & { after(cleanUp: () => Promise<void>): void }) => startSallyport({ owner: t, config });

test('entries are counted once, however often, in whatever order and over however many streams they come', async (t) => {
  const own = await enter(t);
  const entries = range(0, 600).map((n) => entry(n, `key_${n % 3}`));
  const parts = [entries.slice(0, 300), entries.slice(200, 600), entries.toReversed(), entries.slice(0, 100)];
  const codes = await Promise.all(
    parts.map((part) =>
      send(own.grpcPort, t, [logs(part.slice(0, 50), true), logs(part.slice(50)), logs(part.slice(0, 10))]),
    ),
  );
  assert.deepEqual(codes, [0, 0, 0, 0]);
  await untilRequests(own, 600);
  const sums = await sumsOf(own);
  assert.deepEqual(
    sums.map(({ key_id, user_id, rule, requests, billable_requests, request_bytes, response_bytes }) => [
      key_id,
      user_id,
      rule,
      requests,
      billable_requests,
      request_bytes,
      response_bytes,
    ]),
    range(0, 3).map((n) => [`key_${n}`, `user of key_${n}`, 'orders', 200, 200, 2_000, 20_000]),
  );
});

test('a stream that is cut in the middle keeps what came whole', async (t) => {
  const own = await enter(t);
  const { call, send: write, client } = open(own.grpcPort, t);
  await write(
    logs(
      range(0, 10).map((n) => entry(n)),
      true,
    ),
  );
  await untilRequests(own, 10);
  call.cancel();
  client.close();
  assert.equal(await send(own.grpcPort, t, [logs([entry(9), entry(10)], true)]), 0);
  await untilRequests(own, 11);
});

const broken: readonly (readonly [string, readonly (Plain | Buffer)[], number])[] = [
  ['no message of this kind', [Buffer.from('rubbish')], grpc.status.INVALID_ARGUMENT],
  [
    'a message that is cut short',
    [encode('StreamAccessLogsMessage', logs([entry(1)], true)).subarray(0, -1)],
    grpc.status.INVALID_ARGUMENT,
  ],
  ['no identifier in the first message', [logs([entry(1)])], grpc.status.INVALID_ARGUMENT],
  [
    'more than max_message_size',
    [{ identifier, http_logs: { log_entry: [{ ...entry(1), request: { path: 'x'.repeat(300_000) } }] } }],
    grpc.status.RESOURCE_EXHAUSTED,
  ],
  ['nothing', [], 0],
  ['an identifier alone', [{ identifier }], 0],
  ['entries of TCP', [{ identifier, tcp_logs: { log_entry: [{ common_properties: { stream_id: 'x' } }] } }], 0],
];

for (const [title, messages, code] of broken) {
  test(`${title} ends with ${grpc.status[code]}, and counts nothing`, async (t) => {
    assert.equal(await send(gate.grpcPort, t, messages), code);
    assert.equal(requestsIn(await sumsOf(gate)), 0);
  });
}

test('fifty streams at once are all taken', async (t) => {
  const own = await enter(t);
  const codes = await Promise.all(
    range(0, 50).map((n) =>
      send(own.grpcPort, t, [logs([], true), logs(range(n * 20, n * 20 + 20).map((at) => entry(at)))]),
    ),
  );
  assert.deepEqual(new Set(codes), new Set([0]));
  await untilRequests(own, 1_000);
});

test('a hundred thousand entries arrive, and the sender waits while the queue is full', async (t) => {
  const own = await startSallyport({
    owner: t,
    config: config.replace('usage: { ', 'usage: { queue_size: 5000, '),
  });
  const messages = range(0, 1_000).map((m) =>
    logs(
      range(m * 100, m * 100 + 100).map((n) => entry(n)),
      m === 0,
    ),
  );
  assert.equal(await send(own.grpcPort, t, messages), 0);
  await untilRequests(own, 100_000);
  const { body } = await request(own.url, '/metrics');
  assert.equal(/^sallyport_access_log_entries_total\{result="recorded"\} (\d+)$/m.exec(body)?.[1], '100000');
  assert.equal(/usage_events_total\{result="queue_full"\} [1-9]/.test(body), false, 'some were dropped');
});

/** Gives 500 entries to a service, and waits until its metrics count them under this name. */
const sendUntilCounted = async (gate: Sallyport, { send }: Pick<ReturnType<typeof open>, 'send'>, metric: string) => {
  await send(
    logs(
      range(0, 500).map((n) => entry(n)),
      true,
    ),
  );
  await until(`they are counted as ${metric}`, async () => {
    const { body } = await request(gate.url, '/metrics');
    return body.includes(`\n${metric}{result="recorded"} 500\n`);
  });
};

test('asked to end, it answers the stream, and keeps every entry that it took', async (t) => {
  const own = await enter(t);
  const stream = open(own.grpcPort, t);
  await sendUntilCounted(own, stream, 'sallyport_access_log_entries_total');
  own.signal('SIGTERM');
  assert.equal(await stream.ended, 0);
  assert.equal(await own.exited(), 'code 0');
  const next = await startSallyport({ owner: t, config, directory: own.directory });
  await untilRequests(next, 500);
});

test('killed, it keeps every entry that it took', async (t) => {
  const own = await startSallyport({ owner: t, config: config.replace('20ms', '60s') });
  await sendUntilCounted(own, open(own.grpcPort, t), 'sallyport_usage_events_total');
  own.signal('SIGKILL');
  await own.exited();
  const next = await startSallyport({ owner: t, config, directory: own.directory });
  await untilRequests(next, 500);
});
