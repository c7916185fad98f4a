import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { RequestListener, ServerResponse } from 'node:http';
import { Agent } from 'node:http';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { answered, parseAnswers, sendRaw } from '../../test/servers/raw-http.ts';
import { request } from '../../test/servers/request.ts';
import { until } from '../../test/servers/until.ts';
import { type Listener, listen, type ServerOptions } from './server.ts';

type Owner = { after(cleanUp: () => Promise<void>): void };

const ok: RequestListener = (message, response) => {
  response.writeHead(200, { 'Content-Length': String(message.url?.length ?? 0) });
  response.end(message.url);
};

const start = async (owner: Owner, listener: Listener = ok, options: Partial<ServerOptions> = {}) => {
  const server = await listen(listener, {
    addr: '127.0.0.1:0',
    readTimeoutMs: 60_000,
    maxHeaderBytes: 65_536,
    ...options,
  });
  owner.after(() => server.close(0));
  const { port } = server.address;
  return { ...server, port, url: `http://127.0.0.1:${port}` };
};

/** A connection whose own side stays open, whatever the server does. */
const openHalf = async (port: number): Promise<Socket & { got(): string }> => {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  let got = '';
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    got += chunk.toString('latin1');
  });
  await once(socket, 'connect');
  return Object.assign(socket, { got: () => got });
};

test('a broken request is answered once, and its connection ends also where the caller keeps its side open', async (t) => {
  const { port } = await start(t);
  const socket = await openHalf(port);
  socket.write('GARBAGE\r\n\r\n');
  await until('the connection is gone', () => {
    socket.write('x');
    return socket.destroyed;
  });
  assert.equal(parseAnswers(socket.got())[0]?.status, 400);
});

test('a caller that stays silent after its broken request keeps no connection', async (t) => {
  const server = await start(t);
  const socket = await openHalf(server.port);
  socket.write('GARBAGE\r\n\r\n');
  await until('it is told', () => socket.got() !== '');
  const startedAt = performance.now();
  await server.close(30_000);
  assert.ok(performance.now() - startedAt < 10_000);
  socket.destroy();
});

test('a header that is too large is 431', async (t) => {
  const { port } = await start(t, ok, { maxHeaderBytes: 1_000 });
  const { text, ended } = await sendRaw(`GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(2_000)}\r\n\r\n`, { port });
  assert.deepEqual([parseAnswers(text).map(({ status }) => status), ended], [[431], 'closed']);
});

for (const [what, bytes] of [
  ['that never speaks', ''],
  ['whose request line does not end', 'GET / HT'],
  ['whose headers do not end', 'GET / HTTP/1.1\r\nHost: x\r\n'],
  ['whose body does not end', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nx'],
  ['whose chunks do not end', 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nx'],
] as const) {
  test(`a caller ${what} is told 408 and let go, while others are served`, async (t) => {
    const reading: RequestListener = (message, response) => {
      message.resume().on('end', () => response.end('ok'));
      message.on('error', () => undefined);
    };
    const { port, url } = await start(t, reading, { readTimeoutMs: 500 });
    const slow = sendRaw(bytes, { port });
    assert.equal((await request(url, '/')).status, 200);
    const { text, ended } = await slow;
    assert.deepEqual([parseAnswers(text).map(({ status }) => status), ended], [[408], 'closed']);
  });
}

test('a caller that does not read its answer is let go', async (t) => {
  const body = Buffer.alloc(50_000_000);
  let response: ServerResponse | undefined;
  const { port } = await start(
    t,
    (_message, given) => {
      response = given;
      given.end(body);
    },
    { writeTimeoutMs: 300 },
  );
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => undefined);
  socket.pause();
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await until('the answer is given up', () => response?.destroyed === true);
  socket.destroy();
});

for (const [lines, status] of [
  [998, 200],
  [999, 431],
  [60_000, 431],
] as const) {
  test(`${lines} header lines besides Host and the last are ${status}: none is hidden`, async (t) => {
    let names: string[] = [];
    const { port } = await start(t, (message, response) => {
      names = Object.keys(message.headers);
      response.end();
    });
    const many = 'h: x\r\n'.repeat(lines - 1);
    const bytes = `GET / HTTP/1.1\r\nHost: x\r\n${many}Last: x\r\nVery-Last: x\r\n\r\n`;
    const { text } = await sendRaw(bytes, { port, until: answered() });
    assert.equal(parseAnswers(text)[0]?.status, status);
    assert.deepEqual(names, status === 200 ? ['host', 'h', 'last', 'very-last'] : []);
  });
}

test('two lines of any header are seen as two', async (t) => {
  const { port } = await start(t, (message, response) => response.end(JSON.stringify(message.headers)));
  const twice = ['Authorization', 'X-API-Key', 'Host', 'X-Forwarded-Uri', 'User-Agent', 'Content-Type'];
  const lines = twice.map((name) => `${name}: a\r\n${name}: b\r\n`).join('');
  const { text } = await sendRaw(`GET / HTTP/1.1\r\n${lines}\r\n`, { port, until: answered() });
  const headers = JSON.parse(parseAnswers(text)[0]?.body ?? '{}');
  for (const name of twice) assert.equal(headers[name.toLowerCase()], 'a, b', name);
});

test('short read timeouts are taken as they are', async (t) => {
  const { url } = await start(t, ok, { readTimeoutMs: 50 });
  assert.equal((await request(url, '/')).status, 200);
});

test('a draining listener answers, and asks to come back on another connection, at once and later', async (t) => {
  const both: Listener = (message, response) => {
    if (message.url === '/at-once') response.writeHead(200, { 'Content-Length': '0' }).end();
    else if (message.url === '/sent') response.send(200, '', '');
    else setImmediate(() => response.writeHead(200, { 'Content-Length': '0' }).end());
  };
  const { url, drain } = await start(t, both);
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  assert.equal((await request(url, '/at-once', { agent })).headers.connection, 'keep-alive');
  drain();
  for (const path of ['/at-once', '/later', '/sent']) {
    const { status, headers } = await request(url, path, { agent });
    assert.deepEqual([status, headers.connection], [200, 'close'], path);
  }
});

test('closing lets requests finish, ends idle connections, and after the grace time everything', async (t) => {
  const open: ServerResponse[] = [];
  const server = await start(t, (_message, response) => open.push(response));
  const idle = await openHalf(server.port);
  const finished = request(server.url, '/finished');
  const stuck = request(server.url, '/stuck').catch((error: NodeJS.ErrnoException) => error.code);
  await until('both are here', () => open.length === 2);
  const closed = server.close(300);
  for (const response of open) if (response.req.url === '/finished') response.end('done');
  assert.equal((await finished).body, 'done');
  await assert.rejects(request(server.url, '/new'), { code: 'ECONNREFUSED' });
  await closed;
  assert.equal(await stuck, 'ECONNRESET');
  idle.destroy();
});

test('a caller that has not said a word does not hold up the end', async (t) => {
  const server = await start(t);
  const silent = await openHalf(server.port);
  assert.equal((await request(server.url, '/')).status, 200);
  const ended = once(silent, 'end');
  await server.close(600_000);
  await ended;
  silent.destroy();
});

test('an address in use is an error of the start', async (t) => {
  const { port } = await start(t);
  const again = listen(ok, { addr: `127.0.0.1:${port}`, readTimeoutMs: 1_000, maxHeaderBytes: 65_536 });
  await assert.rejects(again, { code: 'EADDRINUSE' });
});

for (const [addr, host] of [
  ['[::1]:0', '::1'],
  [':0', '127.0.0.1'],
  ['localhost:0', 'localhost'],
] as const) {
  test(`it listens on ${addr}`, async (t) => {
    const { port } = await start(t, ok, { addr });
    const { text } = await sendRaw('GET / HTTP/1.1\r\nHost: x\r\n\r\n', { port, host, until: answered() });
    assert.equal(parseAnswers(text)[0]?.status, 200);
  });
}
