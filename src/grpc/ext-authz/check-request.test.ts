import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encode } from '../../../test/peers/envoy-api.ts';
import { decodeCheckRequest } from './check-request.ts';

const token = fc.stringMatching(/^[a-z][a-z0-9-]{0,12}$/);
const ascii = fc.string({ unit: fc.constantFrom(...'abcXYZ019 ,;=/.-_') });

const request = fc.record({
  method: token,
  host: token,
  path: ascii,
  scheme: token,
  headers: fc.dictionary(token, ascii),
  sourceAddress: ascii,
  certificate: ascii,
  contextExtensions: fc.dictionary(token, ascii),
});

/** As Envoy fills it in, with much that no decision needs. */
const toMessage = (asked: Readonly<Record<string, unknown>>, http: Readonly<Record<string, unknown>>): Buffer =>
  encode('CheckRequest', {
    attributes: {
      source: {
        address: { socket_address: { protocol: 0, address: asked['sourceAddress'], port_value: 65_535 } },
        labels: { a: 'b' },
        principal: 'spiffe://somebody',
        certificate: asked['certificate'],
      },
      destination: { address: { socket_address: { address: '192.0.2.1', port_value: 443 } }, certificate: 'other' },
      request: {
        time: { seconds: 1_700_000_000, nanos: 5 },
        http: {
          id: '18446744073709551615',
          method: asked['method'],
          host: asked['host'],
          path: asked['path'],
          scheme: asked['scheme'],
          protocol: 'HTTP/1.1',
          size: -1,
          body: 'a body',
          ...http,
        },
      },
      context_extensions: asked['contextExtensions'],
      metadata_context: { filter_metadata: { x: { fields: { y: { number_value: 1 } } } } },
    },
  });

const toPlain = (check: ReturnType<typeof decodeCheckRequest>) =>
  check && {
    ...check,
    headers: check.headers.map((line) => [...line]),
    contextExtensions: Object.fromEntries(check.contextExtensions),
  };

test('what Envoy says in a map of headers is read', () => {
  fc.assert(
    fc.property(request, (asked) => {
      const pseudo = { ':path': '/other', ':method': 'OTHER' };
      const message = toMessage(asked, { headers: { ...pseudo, ...asked.headers } });
      const expected = { ...asked, headers: Object.entries(asked.headers) };
      assert.deepEqual(toPlain(decodeCheckRequest(message)), {
        ...expected,
        contextExtensions: { ...asked.contextExtensions },
      });
    }),
  );
});

test('raw headers are read byte for byte, in their order, twice where they are twice', () => {
  fc.assert(
    fc.property(request, fc.array(fc.tuple(token, fc.uint8Array())), (asked, lines) => {
      const headers = lines.map(([key, value]) => ({ key, raw_value: Buffer.from(value).toString('base64') }));
      const check = decodeCheckRequest(toMessage(asked, { header_map: { headers } }));
      assert.deepEqual(
        toPlain(check)?.headers,
        lines.map(([key, value]) => [key, Buffer.from(value).toString('latin1')]),
      );
    }),
  );
});

test('a message that is cut short is none, and none is taken for another', () => {
  const asked = {
    method: 'GET',
    host: 'a',
    path: '/b',
    scheme: 'http',
    sourceAddress: '1',
    certificate: '',
    contextExtensions: { rule: 'open' },
  };
  const whole = toMessage(asked, { headers: { cookie: 'a=b' } });
  for (let length = 1; length < whole.length; length++) {
    assert.equal(decodeCheckRequest(whole.subarray(0, length)), undefined, `${length} bytes`);
  }
});

test('whatever bytes come, none is thrown', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      decodeCheckRequest(Buffer.from(bytes));
    }),
    { numRuns: 1_000 },
  );
});

test('a message with one byte changed is read, or refused', () => {
  const whole = encode('CheckRequest', {
    attributes: { request: { http: { method: 'GET', path: '/a', headers: { a: 'b', c: 'd' } } } },
  });
  fc.assert(
    fc.property(fc.nat({ max: whole.length - 1 }), fc.nat({ max: 255 }), (at, byte) => {
      const changed = Buffer.from(whole);
      changed[at] = byte;
      decodeCheckRequest(changed);
    }),
    { numRuns: 2_000 },
  );
});
