/** Requests that no client would send, on raw sockets, against the process itself. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startSallyport } from '../sallyport.ts';
import { parseAnswers, sendRaw } from '../servers/raw-http.ts';
import { request } from '../servers/request.ts';

const gate = await startSallyport({
  owner: { after },
  config: `
rules:
  - { name: free, match: { path: "/free/**" }, accept: [anonymous] }
  - { name: api, match: { path: "/api/**" }, accept: [api_key] }
`,
});
const { key: alice } = await gate.createKey({ user_id: 'alice' });
const { key: bob } = await gate.createKey({ user_id: 'bob' });

type Written = Readonly<{
  method?: string;
  target?: string;
  version?: string;
  host?: string;
  lines?: string;
  body?: string;
}>;

const write = (id: string, written: Written = {}): string => {
  const {
    method = 'GET',
    target = '/auth/native/free/x',
    version = 'HTTP/1.1',
    host = 'Host: a\r\n',
    lines = '',
    body = '',
  } = written;
  return `${method} ${target} ${version}\r\n${host}X-Request-ID: ${id}\r\n${lines}\r\n${body}`;
};

/** What an attacker wants to be taken for a request of somebody else. */
const smuggled = write('smuggled', { target: '/auth/native/api/x', lines: `Authorization: Bearer ${bob}\r\n` });
const last = write('last', { lines: 'Connection: close\r\n' });

const chunked = (body: string) => write('first', { method: 'POST', lines: 'Transfer-Encoding: chunked\r\n', body });
const withLines = (lines: string, body = '') => write('first', { lines, body });

/** One answer a word: the request it is to, and its status. The connection is closed after the last one. */
type Row = readonly [title: string, bytes: string, answers: string];
const refused = ':400';

// biome-ignore format: a table is read by its columns
const table: readonly Row[] = [
  ['a plain request', write('first'), 'first:200 last:200'],
  ['requests on one connection are answered in turn', write('a', { target: '/auth/native/api/1', lines: `X-API-Key: ${alice}\r\n` }) + write('b', { target: '/auth/native/api/1' }) + write('c'), 'a:200 b:401 c:200 last:200'],
  // Where a body ends.
  ['two Content-Length that agree', withLines('Content-Length: 0\r\nContent-Length: 0\r\n') + smuggled, refused],
  ['two Content-Length', withLines('Content-Length: 0\r\nContent-Length: 5\r\n', 'hello') + smuggled, refused],
  ...['0, 0', '+5', '-1', '0x5', '5 5', '5,', '1e1', '99999999999999999999999', ''].map((length): Row => [`Content-Length: ${length}`, withLines(`Content-Length: ${length}\r\n`, 'hello') + smuggled, refused]),
  ['Content-Length before Transfer-Encoding', withLines('Content-Length: 4\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n') + smuggled, refused],
  ['Transfer-Encoding before Content-Length', withLines('Transfer-Encoding: chunked\r\nContent-Length: 4\r\n', '0\r\n\r\n') + smuggled, refused],
  ['two Transfer-Encoding', withLines('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n', '0\r\n\r\n') + smuggled, refused],
  ...['chunked, identity', ' \u000bchunked', 'chunked\u0000'].map((coding): Row => [`Transfer-Encoding: ${JSON.stringify(coding)}`, withLines(`Transfer-Encoding: ${coding}\r\n`, '0\r\n\r\n') + smuggled, refused]),
  ...['xchunked', 'identity', 'gzip', '"chunked"'].map((coding): Row => [`Transfer-Encoding: ${coding}`, withLines(`Transfer-Encoding: ${coding}\r\n`, '0\r\n\r\n') + smuggled, `${refused} ${refused}`]),
  ['Transfer-Encoding: identity, chunked', withLines('Transfer-Encoding: identity, chunked\r\n', '0\r\n\r\n') + smuggled, refused],
  ['a space before the colon of Transfer-Encoding', withLines('Transfer-Encoding : chunked\r\n', '0\r\n\r\n') + smuggled, refused],
  ['chunks in HTTP/1.0', write('first', { version: 'HTTP/1.0', lines: 'Transfer-Encoding: chunked\r\n', body: '0\r\n\r\n' }) + smuggled, ':400'],
  // Chunks. What is refused in a body comes after the answer, which never waits for the body.
  ['chunks', chunked('5\r\nhello\r\n0\r\n\r\n'), 'first:200 last:200'],
  ['a chunk with an extension', chunked('5;a=b\r\nhello\r\n0\r\n\r\n'), 'first:200 last:200'],
  ['trailers are no headers', chunked('0\r\nX-API-Key: x\r\n\r\n'), 'first:200 last:200'],
  ...['0x5', '-5', '5 ', ' 5', 'FFFFFFFFFFFFFFFFF', '', '5;\n', '5\n', `5;${'a'.repeat(20_000)}`].map((size): Row => [`a chunk size of ${JSON.stringify(size).slice(0, 30)}`, chunked(`${size}\r\nhello\r\n0\r\n\r\n`) + smuggled, `first:200 ${refused}`]),
  ['a chunk that is longer than it says', chunked('3\r\nhello\r\n0\r\n\r\n') + smuggled, `first:200 ${refused}`],
  ['a chunk that does not end', chunked('5\r\nhello0\r\n\r\n') + smuggled, `first:200 ${refused}`],
  // Lines.
  ['a folded header', withLines('X-A: a\r\n b\r\n') + smuggled, refused],
  ['a header folded by a tab', withLines('X-A: a\r\n\tb\r\n') + smuggled, refused],
  ['a folded first header', 'GET /auth/native/free/x HTTP/1.1\r\n Host: a\r\n\r\n', refused],
  ['lines that end in LF alone', write('first').replaceAll('\r\n', '\n') + smuggled, refused],
  ['one line that ends in LF alone', withLines('X-A: a\nX-B: b\r\n') + smuggled, refused],
  ['headers that end in LF alone', 'GET /auth/native/free/x HTTP/1.1\r\nHost: a\r\n\n', refused],
  ['a CR inside of a header', withLines('X-A: a\rX-API-Key: b\r\n') + smuggled, refused],
  ['two CR', withLines('X-A: a\r\r\n') + smuggled, refused],
  ...['X-A: a\u0000b', 'X\u0000A: a', 'X-A: \u0001', 'X-A: \u007f', 'X-A', ': a', 'X A: a', 'X-A : a', 'X-Ä: a', 'X[A]: a', '\u00a0X: a'].map((line): Row => [`the line ${JSON.stringify(line)}`, withLines(`${line}\r\n`) + smuggled, refused]),
  ['bytes beyond ASCII in a value', withLines('X-A: \u00c3\u00a4\u00ff\r\n'), 'first:200 last:200'],
  ['a header of 70 KB', withLines(`X-A: ${'x'.repeat(70_000)}\r\n`) + smuggled, ':431'],
  ['10,000 header lines', withLines('a:b\r\n'.repeat(10_000)) + smuggled, ':431'],
  ['500 header lines', withLines('a:b\r\n'.repeat(500)), 'first:200 last:200'],
  // The request line.
  ['a target of 70 KB', write('first', { target: `/auth/native/free/${'x'.repeat(70_000)}` }) + smuggled, ':431'],
  ['a target of 20 KB', write('first', { target: `/auth/native/free/${'x'.repeat(20_000)}` }), 'first:400 last:200'],
  ...['/auth/native/free/x y', '/auth/native/free/\u0000', '/auth/native/free/\u00e4', '', 'auth/native/free/x', '\t/auth/native'].map((target): Row => [`the target ${JSON.stringify(target)}`, write('first', { target }) + smuggled, refused]),
  ['an absolute target is never an auth endpoint', write('first', { target: 'http://a/auth/native/free/x' }), ':404 last:200'],
  ['an asterisk', write('first', { method: 'OPTIONS', target: '*' }), ':404 last:200'],
  ...['HTTP/1.2', 'HTTP/9.9', 'http/1.1', 'HTTP/3.0', 'HTTP/1', 'HTTPS/1.1', 'HTTP/1.1 x'].map((version): Row => [version, write('first', { version }) + smuggled, refused]),
  ...['HTTP/0.9', 'HTTP/2.0'].map((version): Row => [version, write('first', { version }) + smuggled, ':505']),
  ['HTTP/1.0 is answered and closed', write('first', { version: 'HTTP/1.0' }) + smuggled, 'first:200'],
  ['HTTP/1.0 without Host', write('first', { version: 'HTTP/1.0', host: '' }), 'first:400'],
  ['no version', 'GET /auth/native/free/x\r\n\r\n', ':505'],
  ['no Host', write('first', { host: '' }) + smuggled, ':400'],
  ['an empty Host', write('first', { host: 'Host:\r\n' }), 'first:400 last:200'],
  ['two Hosts', write('first', { host: 'Host: a\r\nHost: b\r\n' }), 'first:400 last:200'],
  // Methods.
  ...['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'PURGE', 'PROPFIND', 'QUERY', 'M-SEARCH'].map((method): Row => [method, write('first', { method }), 'first:200 last:200']),
  ...['FOO', 'get', 'GET\u0000', 'G ET', 'PRI'].map((method): Row => [`the method ${JSON.stringify(method)}`, write('first', { method }) + smuggled, refused]),
  ['CONNECT is not answered at all', write('first', { method: 'CONNECT', target: 'a:443' }) + smuggled, ''],
  ['CONNECT to an endpoint neither', write('first', { method: 'CONNECT', target: '/auth/native/free/x' }) + smuggled, ''],
  // Other protocols.
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\u0000\u0000\u0000\u0004\u0000\u0000\u0000\u0000\u0000', refused],
  ['TLS', `\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003${'a'.repeat(200)}`, refused],
  ['an upgrade is answered and closed', withLines('Connection: Upgrade\r\nUpgrade: websocket\r\n') + smuggled, 'first:200'],
  ['an upgrade to HTTP/2 is answered and closed', withLines('Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n') + smuggled, 'first:200'],
  // Bodies.
  ['a body that looks like a request', write('first', { method: 'POST', lines: `Content-Length: ${smuggled.length}\r\n`, body: smuggled }), 'first:200 last:200'],
  ['chunks that look like a request', chunked(`${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`), 'first:200 last:200'],
  ['a refused request with such a body', write('first', { target: '/auth/native/api/x', lines: `Content-Length: ${smuggled.length}\r\n`, body: smuggled }), 'first:401 last:200'],
  ['an expected 100', write('first', { lines: 'Expect: 100-continue\r\nContent-Length: 5\r\n', body: 'hello' }), ':100 first:200 last:200'],
  ['an unknown expectation', write('first', { lines: 'Expect: 200-ok\r\nContent-Length: 5\r\n', body: 'hello' }), ':417 last:200'],
];

const show = (text: string): string =>
  parseAnswers(text)
    .map(({ status, headers }) => {
      const id = headers.find(([name]) => name === 'X-Request-ID')?.[1] ?? '';
      return `${/^[a-z]+$/.test(id) ? id : ''}:${status}`;
    })
    .join(' ');

for (const [title, bytes, answers] of table) {
  test(title, async () => {
    const { text, ended } = await sendRaw(bytes + last, { port: gate.port, deadlineMs: 5_000 });
    assert.equal(show(text), answers, text.slice(0, 500));
    assert.equal(ended, 'closed');
    assert.ok(!text.includes('X-User-ID: bob'), 'nothing was smuggled');
    const next = await request(gate.url, '/auth/native/api/x', { headers: { 'X-API-Key': alice } });
    assert.deepEqual([next.status, next.headers['x-user-id']], [200, 'alice']);
  });
}

test('a request in many small packets is one request', async () => {
  const bytes = write('first', { lines: `Authorization: Bearer ${alice}\r\n`, target: '/auth/native/api/1' }) + last;
  const { text } = await sendRaw([...bytes], { port: gate.port });
  assert.equal(show(text), 'first:200 last:200');
});

test('a broken request behind a good one never takes its answer for an allowance', async () => {
  const bytes = `${write('first', { target: '/auth/native/api/1' })}BROKEN\r\n\r\n`;
  const { text, ended } = await sendRaw(bytes, { port: gate.port });
  assert.equal(ended, 'closed');
  assert.ok(parseAnswers(text).every(({ status }) => status >= 400));
});

test('nothing of all this ended the process or was an error of ours', () => {
  assert.equal(gate.log().filter(({ event }) => event === 'error').length, 0);
});
