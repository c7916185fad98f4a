/** Which target a call reaches, and by which path. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startRecordingTarget } from '../peers/recording-target.ts';
import { startSallyport } from '../sallyport.ts';
import { request } from '../servers/request.ts';

const owner = { after };
const target = await startRecordingTarget({ owner });
const sallyport = await startSallyport({
  owner,
  config: `
egress:
  targets:
    plain: { url: "${target.url}", allow_private: true }
    based: { url: "${target.url}/v1/", allow_private: true }
    keyed: { url: "${target.url}/q", allow_private: true, auth: { type: api_key, query: api-key, key: "a+b&c" } }
  routes:
    - { path_prefix: /ext/plain, target: plain, strip_prefix: /ext/plain }
    - { path_prefix: /ext/stripe, target: based, strip_prefix: /ext/stripe }
    - { path_prefix: /ext/stripe/refunds, target: based, strip_prefix: /ext, methods: [POST] }
    - { path_prefix: /ext/sms/, target: plain, strip_prefix: /ext/sms/, rewrite_prefix: /Accounts/AC1/ }
    - { path_prefix: /ext/whole, target: based }
    - { path_prefix: /ext/objects, target: based, strip_prefix: /ext/objects, escaped_slashes: true }
    - { path_prefix: /ext/keyed, target: keyed, strip_prefix: /ext/keyed }
    - { host: api.example.com, target: based, strip_prefix: /v1 }
    - { host: "*.example.org", target: plain, methods: [GET] }
`,
});

type Row = readonly [asked: string, expected: string | number, host?: string];

/** What the target got, or the status of the refusal. */
// biome-ignore format: a table is read by its columns
const rows: readonly Row[] = [
  ['/ext/plain', '/'],
  ['/ext/plain/', '/'],
  ['/ext/plain/a/b?c=d&e=%2e%2e//x?y', '/a/b?c=d&e=%2e%2e//x?y'],
  ['/ext/plain?', '/'],
  ['/ext/plain?a', '/?a'],
  ['/ext/plain/a%20b/%C3%A4+~!$&\'()*,=:@', '/a%20b/%C3%A4+~!$&\'()*,=:@'],
  ['/ext/pl%61in/%61', '/%61'],
  ['/ext/plainly', 404],
  ['/ext/stripe/charges', '/v1/charges'],
  ['/ext/stripe', '/v1'],
  ['/ext/stripe/', '/v1/'],
  ['/ext/stripe/refunds/7', 405],
  ['/ext/stripe/refundsx', '/v1/refundsx'],
  ['/ext/sms/Messages.json', '/Accounts/AC1/Messages.json'],
  ['/ext/sms', '/Accounts/AC1'],
  ['/ext/whole/x', '/v1/ext/whole/x'],
  ['/ext/keyed/x?api-key=mine&a=1&api%2Dkey=mine', '/q/x?a=1&api-key=a%2Bb%26c'],
  ['/ext/keyed/x?API-KEY=other', '/q/x?API-KEY=other&api-key=a%2Bb%26c'],
  ['/ext/keyed/x?a;api-key=mine', '/q/x?a&api-key=a%2Bb%26c'],
  // Escaped slashes, where the route allows them and where not.
  ['/ext/objects/o/dir%2Ffile%2fx', '/v1/o/dir%2Ffile%2fx'],
  ['/ext/plain/dir%2Ffile', 400],
  ['/ext%2Fobjects/x', 404],
  ...['..%2F', '%2F', 'x%2F', 'a%2F..%2Fb', 'a%2F.%2Fb', '%2e%2e%2Fb', 'a%252Fb', '..%2f..%2fb', 'a%2Fb%5Cc'].map((path): Row => [`/ext/objects/${path}`, path === 'x%2F' ? '/v1/x%2F' : 400]),
  ...['%EF%BF%BB%2Fx'].map((path): Row => [`/ext/objects/${path}`, 400]),
  // What two readers could take for different paths.
  ...['..', '../x', './x', 'a/../../x', '%2e%2e/x', '.%2E/x', '..;/x', 'a;b', 'a%3Bb', 'a\\b', 'a%5cb', '/x', 'a//b', 'a%00', 'a%0d%0ab', 'a%7f', 'a%zz', 'a%', 'a%C3', 'a%252e', 'a|b', 'a^b', 'a"b', 'a{b}'].map((path): Row => [`/ext/plain/${path}`, 400]),
  ['/ext/plain/a#b', 400],
  ['/ext/../ext/plain/a', 400],
  ['/ext', 404],
  ['/ext/', 404],
  ['/ext/nothing', 404],
  ['/EXT/plain', 404],
  ['/other', 404],
  // By host, as a mesh sends it.
  ['/v1/charges', '/v1/charges', 'api.example.com'],
  ['/v1/charges', '/v1/charges', 'API.EXAMPLE.COM.:8080'],
  ['/charges?x=1', '/v1/charges?x=1', 'api.example.com'],
  ['/v1/../x', 400, 'api.example.com'],
  ['/a', '/a', 'x.y.example.org'],
  ['/a', 404, 'example.org'],
  ['/ext/plain/a', '/a', 'api.example.com'],
  ['/ext/nothing', 404, 'api.example.com'],
  ['/a', 404, 'unknown.example.com'],
];

for (const [asked, expected, host] of rows) {
  test(`${host ?? ''}${asked} → ${expected}`, async () => {
    const before = target.calls.length;
    const answer = await request(sallyport.url, asked, { headers: host ? { Host: host } : {} });
    if (typeof expected === 'number') {
      assert.equal(answer.status, expected);
      assert.equal(target.calls.length, before, 'nothing reaches the target');
      return;
    }
    assert.deepEqual([answer.status, answer.body], [200, 'ok']);
    assert.equal(target.latest().url, expected);
    assert.deepEqual(target.latest().values('host'), [`127.0.0.1:${target.port}`]);
  });
}

for (const path of ['/auth/native/x', '/health', '/ready', '/metrics', '/.sallyport/pay', '/%61uth/native/x', '/auth'])
  test(`${path} is Sallyport's own, whatever the host`, async () => {
    const before = target.calls.length;
    await request(sallyport.url, path, { headers: { Host: 'api.example.com' } });
    assert.equal(target.calls.length, before);
  });

test('a method that the route does not take is told which it takes', async () => {
  const answer = await request(sallyport.url, '/ext/stripe/refunds/7', { method: 'DELETE' });
  assert.deepEqual([answer.status, answer.headers.allow], [405, 'POST']);
  assert.equal(JSON.parse(answer.body).code, 'method_not_allowed');
});

test('an answer to TRACE would show the credential: it is never passed on', async () => {
  const answer = await request(sallyport.url, '/ext/plain/x', { method: 'TRACE' });
  assert.equal(answer.status, 405);
});
