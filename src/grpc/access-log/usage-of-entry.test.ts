import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encode } from '../../../test/peers/envoy-api.ts';
import { writeUsageLine } from '../../usage/usage-line.ts';
import { decodeLogMessage } from './log-message.ts';
import { type IdentityFrom, usageOfEntry } from './usage-of-entry.ts';

type Plain = Readonly<Record<string, unknown>>;

const texts = (values: Readonly<Record<string, string>>) => ({
  fields: Object.fromEntries(Object.entries(values).map(([key, value]) => [key, { string_value: value }])),
});

const metadata = (values: Readonly<Record<string, string>>) => ({
  filter_metadata: {
    'envoy.filters.http.other': texts({ key_id: 'foreign', user_id: 'foreign' }),
    'envoy.filters.http.ext_authz': texts(values),
  },
});

const common = {
  stream_id: 'stream-1',
  start_time: { seconds: 1_700_000_000, nanos: 123_456_789 },
  duration: { seconds: 1, nanos: 500_000_000 },
  metadata: metadata({ key_id: 'key_1', user_id: 'jörg', rule: 'orders', method: 'api_key' }),
  route_name: 'a route',
  custom_tags: { a: 'b' },
  access_log_type: 6,
};

const entryOf = ({ common_properties = {}, request = {}, response = {} }: Readonly<Record<string, Plain>>): Plain => ({
  common_properties: { ...common, ...common_properties },
  protocol_version: 2,
  request: {
    request_method: 3,
    scheme: 'https',
    authority: 'API.example.com:443',
    port: { value: 443 },
    path: '/orders/%61?token=secret',
    request_id: 'stream-1',
    request_headers_bytes: 100,
    request_body_bytes: 20,
    ...request,
  },
  response: {
    response_code: { value: 201 },
    response_headers_bytes: 50,
    response_body_bytes: 1_000,
    response_code_details: 'via_upstream',
    ...response,
  },
});

const usageOf = (entry: Plain, identityFrom: IdentityFrom = 'metadata') => {
  const message = decodeLogMessage(encode('StreamAccessLogsMessage', { http_logs: { log_entry: [entry] } }));
  const [read] = message?.http ?? [];
  assert.ok(read);
  return usageOfEntry(read, { node: 'envoy-1', identityFrom, nowMs: 42 });
};

const fieldsOf = (entry: Plain, identityFrom?: IdentityFrom) => {
  const usage = usageOf(entry, identityFrom);
  if (typeof usage === 'string') assert.fail(usage);
  return usage;
};

test('an entry becomes what was used, by whom', () => {
  assert.deepEqual(usageOf(entryOf({})), {
    id: 'stream-1/1700000000123.456789',
    source: 'access_log',
    atMs: 1_700_000_000_123,
    keyId: 'key_1',
    userId: 'jörg',
    rule: 'orders',
    method: 'POST',
    host: 'api.example.com',
    path: '/orders/a',
    status: 201,
    requestBytes: 120,
    responseBytes: 1_050,
    durationMs: 1_500,
  });
});

test('metadata that Envoy made of the headers of our HTTP answer names the caller as well', () => {
  const values = { 'x-api-key-id': 'key_3', 'x-user-id': 'jane' };
  const { keyId, userId, rule } = fieldsOf(entryOf({ common_properties: { metadata: metadata(values) } }));
  assert.deepEqual([keyId, userId, rule], ['key_3', 'jane', '']);
});

const skipped: readonly (readonly [string, Readonly<Record<string, Plain>>, string])[] = [
  ['an entry written in the meantime', { common_properties: { intermediate_log_entry: true } }, 'intermediate'],
  ['an entry written at the start', { common_properties: { access_log_type: 4 } }, 'intermediate'],
  ['an entry of a long request', { common_properties: { access_log_type: 5 } }, 'intermediate'],
  ['an entry of the way to the application', { common_properties: { access_log_type: 9 } }, 'intermediate'],
  ['a refused request', { response: { response_code_details: 'ext_authz_denied' } }, 'refused'],
  ['a request that nobody decided on', { response: { response_code_details: 'ext_authz_error' } }, 'refused'],
  ['an entry that nothing tells apart', { common_properties: { stream_id: '', start_time: {} } }, 'unnamed'],
];

for (const [title, entry, why] of skipped) {
  test(`${title} is no usage`, () => assert.equal(usageOf(entryOf(entry)), why));
}

test('an Envoy that does not say of what type an entry is, is believed to mean the last', () => {
  assert.equal(typeof usageOf(entryOf({ common_properties: { access_log_type: 0 } })), 'object');
});

test('requests that come with the same x-request-id are two, and one that is told of twice is one', () => {
  const later = entryOf({ common_properties: { start_time: { seconds: 1_700_000_000, nanos: 123_456_790 } } });
  assert.notEqual(fieldsOf(entryOf({})).id, fieldsOf(later).id);
  assert.equal(fieldsOf(entryOf({})).id, fieldsOf(entryOf({})).id);
});

test('without a stream_id the moment and the node make the id', () => {
  const { id } = fieldsOf(entryOf({ common_properties: { stream_id: '' } }));
  assert.equal(id, 'envoy-1/1700000000123.456789/1500');
});

test('without a moment the stream_id alone is the id, and the entry is of now', () => {
  const { id, atMs } = fieldsOf(entryOf({ common_properties: { start_time: {} } }));
  assert.deepEqual([id, atMs], ['stream-1', 42]);
});

test('however long their names are, ids of two requests differ in what is kept of them', () => {
  const long = 'x'.repeat(600);
  const idAt = (nanos: number, stream: string, node: string): string => {
    const entry = entryOf({ common_properties: { stream_id: stream, start_time: { seconds: 1, nanos } } });
    const message = decodeLogMessage(encode('StreamAccessLogsMessage', { http_logs: { log_entry: [entry] } }));
    const [read] = message?.http ?? [];
    assert.ok(read);
    const usage = usageOfEntry(read, { node, identityFrom: 'metadata', nowMs: 42 });
    if (typeof usage === 'string') assert.fail(usage);
    return JSON.parse(writeUsageLine(usage, true))[0];
  };
  const ids = [idAt(1, long, 'n'), idAt(2, long, 'n'), idAt(2, `${long}y`, 'n'), idAt(1, '', long), idAt(2, '', long)];
  assert.equal(new Set(ids).size, ids.length);
});

test('moments out of range are none', () => {
  const start = { seconds: -1, nanos: 0 };
  assert.equal(fieldsOf(entryOf({ common_properties: { start_time: start } })).atMs, 42);
  assert.equal(fieldsOf(entryOf({ common_properties: { duration: start } })).durationMs, 0);
});

const forged = { request: { request_headers: { 'x-api-key-id': 'key_2', 'x-user-id': 'other' } } };

test('headers of the request name nobody, where the log says who called and where it does not', () => {
  assert.equal(fieldsOf(entryOf(forged)).keyId, 'key_1');
  const unknown = fieldsOf(entryOf({ ...forged, common_properties: { metadata: {} } }));
  assert.deepEqual([unknown.keyId, unknown.userId, unknown.rule], ['', '', '']);
});

test('where the configuration says that no client can set them, headers name the caller', () => {
  const read = fieldsOf(entryOf({ ...forged, common_properties: { metadata: {} } }), 'headers');
  assert.deepEqual([read.keyId, read.userId], ['key_2', 'other']);
  assert.equal(fieldsOf(entryOf(forged), 'headers').keyId, 'key_1');
});

const paths: readonly (readonly [string, string])[] = [
  ['/a?b=c', '/a'],
  ['/a/../b?token=secret', '/a/../b'],
  ['/a#secret', '/a'],
  ['*', '*'],
  ['', ''],
  [`/${'x'.repeat(5_000)}`, `/${'x'.repeat(2_047)}`],
];

for (const [target, path] of paths) {
  test(`the path of ${target.slice(0, 30)} is kept without a query`, () =>
    assert.equal(fieldsOf(entryOf({ request: { path: target } })).path, path));
}

test('a host that is none is left empty', () => {
  assert.equal(fieldsOf(entryOf({ request: { authority: 'a b' } })).host, '');
});

test('a message that is cut short is none', () => {
  const whole = encode('StreamAccessLogsMessage', {
    identifier: { node: { id: 'n' }, log_name: 'l' },
    http_logs: { log_entry: [entryOf({})] },
  });
  const readable = Array.from({ length: whole.length - 1 }, (_, index) =>
    decodeLogMessage(whole.subarray(0, index + 1)),
  ).filter((message) => message !== undefined);
  // After the identifier, which is whole by itself.
  assert.equal(readable.length, 1);
  assert.deepEqual(readable[0], { identifier: { node: 'n', logName: 'l' }, http: [] });
});

test('whatever bytes come, none is thrown', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      decodeLogMessage(Buffer.from(bytes));
    }),
    { numRuns: 1_000 },
  );
});
