/** An Envoy that has much to tell: entries of an access log over one stream. Arguments: port, entries. Prints when it began. */
import { createClient, encode, methods } from '../../test/peers/envoy-api.ts';

const [port = 0, entries = 0] = process.argv.slice(2).map(Number);
const IN_A_MESSAGE = 200;

const entry = (index: number) => ({
  common_properties: {
    stream_id: `0a1b2c3d-4e5f-4a6b-8c7d-${index.toString(16).padStart(12, '0')}`,
    start_time: { seconds: Math.floor(Date.now() / 1_000), nanos: index % 1_000_000_000 },
    duration: { seconds: 0, nanos: 12_345_678 },
    route_name: 'orders',
    metadata: {
      filter_metadata: {
        'envoy.filters.http.ext_authz': {
          fields: {
            key_id: { string_value: `key_${index % 50}` },
            user_id: { string_value: `user${index % 50}` },
            rule: { string_value: 'api' },
          },
        },
      },
    },
    access_log_type: 6,
  },
  request: {
    request_method: 1,
    scheme: 'https',
    authority: 'shop.example.com',
    path: `/api/v1/orders/${index}?expand=items`,
    request_id: '0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d',
    request_headers_bytes: 800,
  },
  response: { response_code: { value: 200 }, response_body_bytes: 1_000, response_code_details: 'via_upstream' },
});

const messages = Array.from({ length: entries / IN_A_MESSAGE }, (_, message) =>
  encode('StreamAccessLogsMessage', {
    ...(message === 0 && { identifier: { node: { id: 'envoy' }, log_name: 'sallyport' } }),
    http_logs: {
      log_entry: Array.from({ length: IN_A_MESSAGE }, (_, index) => entry(message * IN_A_MESSAGE + index)),
    },
  }),
);

const { path, requestSerialize, responseDeserialize } = methods.logs;
const client = createClient(port, { after: () => undefined });
await new Promise<void>((resolve, reject) => {
  client.waitForReady(Date.now() + 10_000, (error) => (error ? reject(error) : resolve()));
});
console.log(Date.now());
const stream = client.makeClientStreamRequest(path, requestSerialize, responseDeserialize, (error) => {
  if (error) throw error;
  client.close();
});
for (const message of messages) await new Promise<void>((sent) => stream.write(message, () => sent()));
stream.end();
