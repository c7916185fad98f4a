import assert from 'node:assert/strict';
import { test } from 'node:test';
import { substitute } from './addresses.ts';

const ports = { '127.0.0.1:8080': 21001, '127.0.0.1:3000': 21002, '127.0.0.1:80': 21003 };

for (const [text, expected] of [
  ['proxy_pass http://127.0.0.1:8080/auth/nginx;', 'proxy_pass http://127.0.0.1:21001/auth/nginx;'],
  ['server u 127.0.0.1:3000', 'server u 127.0.0.1:21002'],
  ['127.0.0.1:80 127.0.0.1:8080', '127.0.0.1:21003 127.0.0.1:21001'],
  ['{ address: 127.0.0.1, port_value: 8080 }', '{ address: 127.0.0.1, port_value: 21001 }'],
  ['listen 8080 is no address', 'listen 8080 is no address'],
] as const) {
  test(`in a configuration, "${text}" becomes "${expected}"`, () => {
    assert.equal(substitute(text, ports), expected);
  });
}

test('an address that nothing stands in for is refused: no test uses a fixed port', () => {
  assert.throws(() => substitute('bind 127.0.0.1:8000', ports), /127\.0\.0\.1:8000/);
});
