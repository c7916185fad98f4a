import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sendRaw } from '../../test/servers/raw-http.ts';
import { AuthResponse, beforeSending } from './auth-response.ts';
import { HeaderLines, linesOf } from './header-lines.ts';
import { type Listener, listen } from './server.ts';

type Owner = { after(cleanUp: () => Promise<void>): void };

const lines = new HeaderLines({ 'X-User-ID': 'u1', 'X-User-Roles': '' }).text;

const start = async (owner: Owner, body = ''): Promise<number> => {
  const answer: Listener = (_message, response) => response.send(401, lines, body);
  const server = await listen(answer, { addr: '127.0.0.1:0', readTimeoutMs: 60_000, maxHeaderBytes: 65_536 });
  owner.after(() => server.close(0));
  return server.address.port;
};

const undated = (text: string): string => text.replace(/^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n/gm, '');

const head = (rest: string): string => `HTTP/1.1 401 Unauthorized\r\n${lines}${rest}\r\n`;
const kept = 'Connection: keep-alive\r\nKeep-Alive: timeout=75\r\n';
const ended = 'Connection: close\r\n';

const cases = [
  {
    title: 'one on a connection that goes on',
    request: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
    body: '',
    connection: kept,
  },
  { title: 'one with a body', request: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', body: '{"ü":1}', connection: kept },
  {
    title: 'to HEAD, which has no body',
    request: 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n',
    body: '{}',
    connection: kept,
    sent: '',
  },
  {
    title: 'the last of a connection',
    request: 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    body: '{}',
    connection: ended,
  },
  { title: 'to HTTP/1.0', request: 'GET / HTTP/1.0\r\n\r\n', body: '{}', connection: ended },
] as const;

for (const { title, request, body, connection, ...rest } of cases) {
  test(`an answer is complete to the letter, and dated: ${title}`, async (t) => {
    const port = await start(t, body);
    const length = Buffer.byteLength(body);
    const sent = 'sent' in rest ? rest.sent : Buffer.from(body).toString('latin1');
    const expected = head(`Content-Length: ${length}\r\n${connection}`) + sent;
    const { text } = await sendRaw(request, { port, until: (got) => undated(got).length >= expected.length });
    assert.equal(undated(text), expected);
    assert.notEqual(undated(text), text);
  });
}

test('answers to requests that came in one packet are told apart', async (t) => {
  const port = await start(t, '{}');
  const request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
  const expected = `${head(`Content-Length: 2\r\n${kept}`)}{}`;
  const { text } = await sendRaw(request.repeat(3), {
    port,
    until: (got) => undated(got).length >= 3 * expected.length,
  });
  assert.equal(undated(text), expected.repeat(3));
});

test('answers that become ready in one turn are sent when the last of them is ready', async (t) => {
  const sentBefore: number[] = [];
  const server = await listen(
    ({ socket }, response) => {
      sentBefore.push(socket.bytesWritten);
      response.send(200, lines, '');
      assert.ok(response.headersSent);
    },
    { addr: '127.0.0.1:0', readTimeoutMs: 60_000, maxHeaderBytes: 65_536 },
  );
  t.after(() => server.close(0));
  await sendRaw('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(3), {
    port: server.address.port,
    until: (got) => got.split('\r\n\r\n').length > 3,
  });
  assert.deepEqual(sentBefore, [0, 0, 0]);
});

test('headers that cannot be sent are refused when they are written', () => {
  for (const headers of [
    { 'X-A': 'a\r\nX-B: b' },
    { 'X-A': 'a\n' },
    { 'X-A': '\u0100' },
    { 'X A': 'a' },
    { 'X-A:': '' },
    { '': 'a' },
  ]) {
    assert.throws(() => new HeaderLines(headers), TypeError);
  }
});

test('headers that are one object are written once', () => {
  const headers = { 'X-A': 'a' };
  assert.equal(linesOf(headers), linesOf(headers));
  assert.notEqual(linesOf(headers), linesOf({ ...headers }));
});

test('a response that is not sent through send is as node:http writes it', async (t) => {
  const server = await listen(
    (_message, response) => {
      assert.ok(response instanceof AuthResponse);
      response.writeHead(200, { 'X-A': 'a', 'Content-Length': '0' }).end();
    },
    { addr: '127.0.0.1:0', readTimeoutMs: 60_000, maxHeaderBytes: 65_536 },
  );
  t.after(() => server.close(0));
  const { text } = await sendRaw('GET / HTTP/1.1\r\nHost: a\r\n\r\n', {
    port: server.address.port,
    until: (got) => got.endsWith('\r\n\r\n'),
  });
  assert.equal(undated(text), `HTTP/1.1 200 OK\r\nX-A: a\r\nContent-Length: 0\r\n${kept}\r\n`);
});

test('whoever prepares is called before an answer of the turn is sent, and not after its end', async (t) => {
  const events: string[] = [];
  const answer: Listener = (_message, response) => {
    const { end } = response;
    response.end = (...given: unknown[]) => {
      events.push('sent');
      return Reflect.apply(end, response, given);
    };
    response.send(200, '', '');
    events.push('decided');
  };
  const stop = beforeSending(() => events.push('prepared'));
  const server = await listen(answer, { addr: '127.0.0.1:0', readTimeoutMs: 60_000, maxHeaderBytes: 65_536 });
  t.after(() => server.close(0));
  const ask = () =>
    sendRaw('GET / HTTP/1.1\r\nHost: a\r\n\r\n', {
      port: server.address.port,
      until: (got) => got.endsWith('\r\n\r\n'),
    });
  await ask();
  stop();
  await ask();
  assert.deepEqual(events, ['decided', 'prepared', 'sent', 'decided', 'sent']);
});

const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

test('the answer of a target is sent byte by byte, with its own date and without another', async (t) => {
  const headers = ['X-Name', 'J\xfcrgen', 'Date', 'Sun, 06 Nov 1994 08:49:37 GMT', 'Content-Length', '256'];
  const server = await listen((_message, response) => void response.sendAnswer(599, headers, bytes), {
    addr: '127.0.0.1:0',
    readTimeoutMs: 60_000,
    maxHeaderBytes: 65_536,
  });
  t.after(() => server.close(0));
  const answered = await fetch(`http://127.0.0.1:${server.address.port}/`);
  assert.equal(answered.status, 599);
  assert.equal(answered.headers.get('x-name'), 'J\xfcrgen');
  assert.equal(answered.headers.get('date'), 'Sun, 06 Nov 1994 08:49:37 GMT');
  assert.equal(answered.headers.get('content-length'), '256');
  assert.deepEqual(Buffer.from(await answered.arrayBuffer()), bytes);
});

for (const [what, headers] of [
  ['a value', ['X-Name', 'a\r\nX-Other: b']],
  ['a name', ['X Name', 'a']],
  ['a NUL', ['X-Name', 'a\0b']],
  ['a character that is no byte', ['X-Name', 'a\u0101b']],
] as const) {
  test(`the answer of a target is not sent where ${what} of its headers would break out`, async (t) => {
    const sent: boolean[] = [];
    const answer: Listener = (_message, response) => {
      sent.push(response.sendAnswer(200, headers, bytes));
      response.writeHead(502).end();
    };
    const server = await listen(answer, { addr: '127.0.0.1:0', readTimeoutMs: 60_000, maxHeaderBytes: 65_536 });
    t.after(() => server.close(0));
    assert.equal((await fetch(`http://127.0.0.1:${server.address.port}/`)).status, 502);
    assert.deepEqual(sent, [false]);
  });
}
