import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { answered, parseAnswers, sendRaw } from './raw-http.ts';
import { request } from './request.ts';

async function serving(t: TestContext): Promise<{ port: number; origin: string; server: Server }> {
  const server = createServer((incoming, response) => {
    response.setHeader('X-Target', encodeURIComponent(incoming.url ?? ''));
    response.setHeader('X-Raw', JSON.stringify(incoming.rawHeaders));
    response.write('hello '); // in chunks
    response.end('you');
  }).listen(0, '127.0.0.1');
  t.after(() => server.closeAllConnections());
  t.after(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { port, origin: `http://127.0.0.1:${port}`, server };
}

test('raw bytes go out as they are, and two answers on one connection are told apart', async (t) => {
  const { port } = await serving(t);
  const one = 'GET /a HTTP/1.1\r\nHost: x\r\n\r\n';
  const { text, ended } = await sendRaw([`${one}GET /b HTT`, 'P/1.1\r\nhOST: y\r\n\r\n'], { port, until: answered(2) });
  assert.equal(ended, 'complete');
  const answers = parseAnswers(text);
  assert.deepEqual(
    answers.map(({ status, body }) => [status, body]),
    [
      [200, 'hello you'],
      [200, 'hello you'],
    ],
  );
  assert.match(String(answers[1]?.headers.find(([name]) => name === 'X-Raw')?.[1]), /"hOST","y"/);
});

test('a server that closes is told from one that stays silent', async (t) => {
  const { port } = await serving(t);
  assert.equal((await sendRaw('NONSENSE\r\n\r\n', { port })).ended, 'closed');
  const silent = await sendRaw('GET / HTTP/1.1\r\n', { port, deadlineMs: 50 });
  assert.deepEqual(silent, { text: '', ended: 'deadline' });
});

for (const [what, text, statuses] of [
  ['an answer that is not complete', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcd', []],
  ['chunks that do not end', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n', []],
  ['an answer without length, as long as the connection', 'HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 500', [200]],
  [
    'answers that have no body',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No\r\n\r\nHTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n',
    [100, 204, 304],
  ],
  ['an answer and half of another', 'HTTP/1.1 402 Pay\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200', [402]],
] as const) {
  test(`in ${what}, ${statuses.length} answers are counted`, () => {
    assert.deepEqual(
      parseAnswers(text).map(({ status }) => status),
      statuses,
    );
  });
}

test('an answer to HEAD has a length, but no body', () => {
  const text = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
  assert.equal(parseAnswers(text, { bodiless: true }).length, 2);
});

test('request() changes neither the path nor the headers', async (t) => {
  const { origin } = await serving(t);
  const path = '/a/../b/%2e%2E//c;x?y=/../z&q=%00';
  const answer = await request(origin, path, {
    headers: [
      ['x-TWICE', '1'],
      ['X-Twice', '2'],
      ['X_Under', '3'],
    ],
  });
  assert.equal(answer.status, 200);
  assert.equal(answer.body, 'hello you');
  assert.equal(decodeURIComponent(String(answer.headers['x-target'])), path);
  const sent: string[] = JSON.parse(String(answer.headers['x-raw']));
  assert.deepEqual(sent.slice(2, 8), ['x-TWICE', '1', 'X-Twice', '2', 'X_Under', '3']);
});

test('request() fails at its deadline', async (t) => {
  const { origin, server } = await serving(t);
  server.removeAllListeners('request');
  await assert.rejects(request(origin, '/', { deadlineMs: 50 }), /aborted|timeout/i);
});
