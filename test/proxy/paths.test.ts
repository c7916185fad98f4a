/** The path that is decided on is the one that is passed on, and one that can be read in two ways is not passed on at all. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { parseTarget } from '../../src/core/canonical.ts';
import { isRefusal } from '../../src/core/refusal.ts';
import { startRecordingTarget } from '../peers/recording-target.ts';
import { startSallyport } from '../sallyport.ts';
import { parseAnswers, sendRaw } from '../servers/raw-http.ts';
import { request } from '../servers/request.ts';
import { jwtBlock } from './tokens.ts';

const owner = { after };
const target = await startRecordingTarget({ owner });
const sallyport = await startSallyport({
  owner,
  config: `${jwtBlock}
proxy:
  upstream: "${target.url}"
  routes:
    - { path: "/**" }
    - { path: "/public/**", auth_required: false }
    - { path: "/public/private/**" }
    - { path: "/public/*/only-get", auth_required: false, methods: [GET], rewrite_prefix: /got }
    - { path: "/public/api/**", auth_required: false, upstream: "${target.url}/v1/", strip_prefix: /public/api/, rewrite_prefix: /x }
`,
});

// biome-ignore format: a table is read by its columns
const passed: readonly (readonly [asked: string, reached: string])[] = [
  ['/public', '/public'],
  ['/public/', '/public/'],
  ['/public?', '/public'],
  ['/public/x?a=/../b&c=%2e%2e//x?y', '/public/x?a=/../b&c=%2e%2e//x?y'],
  ['/%70ublic/%78%2D%5f%7e', '/public/x-_~'],
  ['/public/caf%c3%a9/C%23/what%3f', '/public/caf%C3%A9/C%23/what%3F'],
  ['/public/a%26b%40', '/public/a%26b%40'],
  ["/public/-._~!$&'()*+,=:@", "/public/-._~!$&'()*+,=:@"],
  ['/public/x/only-get', '/got/public/x/only-get'],
  ['/public/api', '/v1/x'],
  ['/public/api/', '/v1/x/'],
  ['/public/%61pi/o%72ders/7', '/v1/x/orders/7'],
];

for (const [asked, reached] of passed)
  test(`${asked} reaches ${reached}`, async () => {
    assert.equal((await request(sallyport.url, asked)).status, 200);
    assert.equal(target.latest().url, reached);
  });

// biome-ignore format: a table is read by its columns
const refused: readonly (readonly [asked: string, status: number])[] = [
  ...['/public/../orders', '/public/..', '/public/./x', '/public/%2e%2e/orders', '/public/%2E%2E', '/public/.%2e/orders', '/public/%2e/x', '/public/..%2forders', '/public/x%2F..%2Forders', '/public%2f..%2forders',
    '/public/..;/orders', '/public/;a=b/x', '/public/..%3b/orders', '/public\\..\\orders', '/public/%5c..%5corders', '/public//orders', '//public/x', '///public/x', '/public/%00', '/public/x%0d%0aX-A:%20b', '/public/%7f', '/public/%252e%252e/orders', '/public/%25%32%65',
    '/public#/orders', '/public/x?a#b', '/public/%', '/public/%zz', '/public/%ff', '/public/%c0%ae', '/public/"x"', '/public/<x>', '/public/x|y', '/public/x^y', '/public/`x`', '/public/{x}', 'http://a/public/x', 'public/x', '*'].map((asked) => [asked, 400] as const),
  // No other reading of these is public.
  ['/publicx', 401], ['/Public/x', 401], ['/public/private', 401], ['/public/private/x', 401], ['/public/%70rivate/x', 401], ['/public/priv%61te/', 401],
];

for (const [asked, status] of refused)
  test(`${asked} is answered with ${status} and reaches nobody`, async () => {
    const before = target.calls.length;
    const bytes = `GET ${asked} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
    const answers = parseAnswers((await sendRaw(bytes, { port: sallyport.port })).text);
    assert.deepEqual(
      answers.map((answer) => answer.status),
      [status],
    );
    assert.equal(target.calls.length, before);
  });

test('whatever path is passed on is read by everybody as the one that was decided on', async () => {
  await fc.assert(
    fc.asyncProperty(fc.webPath(), async (path) => {
      const asked = `/public/x${path}`;
      const read = parseTarget(asked);
      const { status } = await request(sallyport.url, asked);
      assert.equal(status, isRefusal(read) ? 400 : 200);
      if (!isRefusal(read)) assert.deepEqual(parseTarget(target.latest().url), read);
    }),
    { numRuns: 200 },
  );
});

test('a method that no route is for is refused, and a route with methods goes before one without', async () => {
  assert.equal((await request(sallyport.url, '/public/x/only-get', { method: 'PUT' })).status, 200);
  assert.equal(target.latest().url, '/public/x/only-get');
  for (const method of ['get', 'G-T1', 'TRACE', 'CONNECT'])
    assert.ok(
      (
        await sendRaw(`${method} /public/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`, { port: sallyport.port })
      ).text.match(/^(?:HTTP\/1\.1 40[05] .*|)$/m),
      method,
    );
});
