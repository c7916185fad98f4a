/** Bodies through the proxy: as fast as the slower side takes them, in little memory, and never whole where they broke off. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { request as ask, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { startRecordingTarget } from '../peers/recording-target.ts';
import { startSallyport } from '../sallyport.ts';
import { parseAnswers, sendRaw } from '../servers/raw-http.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';
import { jwtBlock, userToken } from './tokens.ts';

const MIB = 1024 * 1024;
/** 1 GiB by SALLYPORT_STREAM_MIB=1024. */
const size = Number(process.env['SALLYPORT_STREAM_MIB'] ?? 256) * MIB;
const chunk = Buffer.alloc(64 * 1024, 'x');

const owner = { after };
const target = await startRecordingTarget({ owner });
const gate = await startSallyport({
  owner,
  config: `${jwtBlock}
proxy:
  upstream: "${target.url}"
  routes:
    - { path: "/**", auth_required: false }
    - { path: "/hasty/**", auth_required: false, timeout: 300ms }
    - { path: "/closed/**" }
`,
});
const headers = { authorization: `Bearer ${await userToken()}` };

/** The most memory since the last call. */
const peakMib = (): number =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${gate.pid}/status`, 'utf8'))?.[1]) / 1024;
const forgetPeak = (): void => writeFileSync(`/proc/${gate.pid}/clear_refs`, '5');

const begin = (path: string, options: { method?: string; headers?: Record<string, string> } = {}) => {
  const outgoing = ask(`${gate.url}${path}`, { agent: false, ...options, headers: { ...headers, ...options.headers } });
  outgoing.on('error', () => undefined);
  return outgoing;
};

const count = async (incoming: IncomingMessage): Promise<number> => {
  let bytes = 0;
  for await (const part of incoming) bytes += part.length;
  return bytes;
};

const answerOf = async (outgoing: ReturnType<typeof begin>): Promise<IncomingMessage> => {
  const [incoming]: IncomingMessage[] = await once(outgoing, 'response');
  assert.ok(incoming);
  return incoming;
};

const upload = async (bytes: number, framing: Record<string, string>): Promise<void> => {
  const received = Promise.withResolvers<number>();
  target.behave(
    async (incoming, response) => {
      received.resolve(await count(incoming));
      response.end('ok');
    },
    { raw: true },
  );
  const outgoing = begin('/closed/up', { method: 'PUT', headers: framing });
  for (let sent = 0; sent < bytes; sent += chunk.length) if (!outgoing.write(chunk)) await once(outgoing, 'drain');
  outgoing.end();
  assert.equal((await answerOf(outgoing)).resume().statusCode, 200);
  assert.equal(await received.promise, bytes);
};

const sendAll = async (response: NodeJS.WritableStream, bytes: number): Promise<void> => {
  for (let sent = 0; sent < bytes; sent += chunk.length) if (!response.write(chunk)) await once(response, 'drain');
  response.end();
};

// What the first load makes of a process that was idle, for good, is no part of what a large body takes.
await upload(128 * MIB, {});

for (const framing of ['its length', 'chunks'] as const) {
  const framed: Record<string, string> = framing === 'chunks' ? {} : { 'Content-Length': String(size) };

  test(`${size / MIB} MiB go up, by ${framing}, within 64 MiB of memory`, async () => {
    forgetPeak();
    const before = peakMib();
    await upload(size, framed);
    assert.ok(peakMib() - before < 64, `${peakMib() - before} MiB more`);
  });

  test(`${size / MIB} MiB come down, by ${framing}, within 64 MiB of memory`, async () => {
    target.behave((_incoming, response) => {
      response.writeHead(200, framed);
      void sendAll(response, size);
    });
    forgetPeak();
    const before = peakMib();
    const outgoing = begin('/closed/down');
    outgoing.end();
    assert.equal(await count(await answerOf(outgoing)), size);
    assert.ok(peakMib() - before < 64, `${peakMib() - before} MiB more`);
  });
}

/** Kernels keep tens of MiB in the buffers of two connections. */
const MOST_UNDER_WAY = 64 * MIB;

test('a caller that does not read holds up the service, and gets all of it then', async () => {
  let sent = 0;
  target.behave(async (_incoming, response) => {
    for (; sent < 2 * MOST_UNDER_WAY; sent += chunk.length) if (!response.write(chunk)) await once(response, 'drain');
    response.end();
  });
  const outgoing = begin('/down');
  outgoing.end();
  const incoming = await answerOf(outgoing);
  for (let last = -1; last !== sent; await pause(100)) last = sent;
  assert.ok(sent < MOST_UNDER_WAY, `${sent} bytes are under way`);
  assert.equal(await count(incoming), 2 * MOST_UNDER_WAY);
});

const lines = (path: string) => gate.log().filter((line) => line['path'] === path && line['event'] === 'request');

test('a caller that leaves in the middle of its body ends the request to the service, and one line says so', async () => {
  const ended = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  target.behave(
    (incoming) => {
      reached.resolve();
      incoming
        .on('error', () => undefined)
        .on('close', ended.resolve)
        .resume();
    },
    { raw: true },
  );
  const outgoing = begin('/left', { method: 'POST', headers: { 'Content-Length': '1000000' } });
  outgoing.write(chunk);
  await reached.promise;
  outgoing.destroy();
  await ended.promise;
  await until('it is told of', () => lines('/left').length === 1);
});

test('a caller that leaves before its answer, or in the middle of it, ends the request to the service', async () => {
  for (const begins of [false, true]) {
    const ended = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    target.behave((incoming, response) => {
      incoming.socket.on('close', ended.resolve);
      reached.resolve();
      if (begins) response.write(chunk);
    });
    const outgoing = begin('/gone');
    outgoing.end();
    await reached.promise;
    if (begins) (await answerOf(outgoing)).on('error', () => undefined).resume();
    outgoing.destroy();
    await ended.promise;
  }
  await until('both are told of', () => lines('/gone').length === 2);
  assert.deepEqual(
    lines('/gone').map(({ error, status, decision }) => [error, status, decision]),
    [
      ['aborted', 0, 'allow'],
      ['aborted', 200, 'allow'],
    ],
  );
});

// biome-ignore format: a table is read by its columns
const cuts: readonly (readonly [title: string, head: string, reset: boolean])[] = [
  ['by its length', 'Content-Length: 10', false],
  ['in chunks, with a reset', 'Transfer-Encoding: chunked', true],
];

for (const [title, head, reset] of cuts)
  test(`an answer ${title} that breaks off never looks whole`, async () => {
    target.behave(
      ({ socket }) => {
        const body = head.includes('chunked') ? '5\r\nhello\r\n' : 'hello';
        socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${body}`);
        setTimeout(() => (reset ? socket.resetAndDestroy() : socket.destroy()), 50);
      },
      { raw: true },
    );
    const { text, ended } = await sendRaw('GET /cut HTTP/1.1\r\nHost: a\r\n\r\n', { port: gate.port });
    assert.equal(ended, 'closed');
    assert.match(text, /^HTTP\/1\.1 200 OK/);
    assert.doesNotMatch(text, /\r\n0\r\n\r\n$/);
  });

test('an answer that comes before the whole body is the answer', async () => {
  target.behave((_incoming, response) => void response.writeHead(413, { Connection: 'close' }).end('too large'), {
    raw: true,
  });
  const outgoing = begin('/early', { method: 'POST', headers: { 'Content-Length': '100000000' } });
  outgoing.write(chunk);
  const incoming = await answerOf(outgoing);
  assert.equal(incoming.statusCode, 413);
  incoming.resume();
  outgoing.destroy();
});

test('a caller is invited to send its body when it is allowed, and not before; hints of the service go no further', async () => {
  const expecting = (path: string, line = '') =>
    `POST ${path} HTTP/1.1\r\nHost: a\r\n${line}Expect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n`;
  target.behave((_incoming, response) => {
    response.writeEarlyHints({ link: '</a.css>; rel=preload' });
    response.end('ok');
  });
  const statuses = async (bytes: readonly string[]) =>
    parseAnswers((await sendRaw(bytes, { port: gate.port })).text).map(({ status }) => status);
  assert.deepEqual(
    await statuses([expecting('/closed/x', `Authorization: ${headers.authorization}\r\n`), 'ok']),
    [100, 200],
  );
  assert.deepEqual(await statuses([expecting('/closed/x')]), [401]);
  assert.deepEqual(await statuses([expecting('/a//b')]), [400]);
});

test('trailers go no further', async () => {
  target.behave((_incoming, response) => {
    response.writeHead(200, { Trailer: 'X-Checksum', 'Transfer-Encoding': 'chunked' });
    response.write('x');
    response.addTrailers({ 'X-Checksum': 'abc' });
    response.end();
  });
  const { text } = await sendRaw('GET /trailing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', { port: gate.port });
  assert.doesNotMatch(text, /X-Checksum/i);
});

test('a service that does not answer in time is a 504, and one that is slow but moves is not', async () => {
  target.behave(() => undefined);
  const late = await request(gate.url, '/hasty/silent', { method: 'POST', body: 'x' });
  assert.deepEqual([late.status, JSON.parse(late.body).code], [504, 'target_timeout']);
  target.behave(async (_incoming, response) => {
    for (let part = 0; part < 5; part++) {
      response.write('x');
      await pause(100);
    }
    response.end();
  });
  assert.equal((await request(gate.url, '/hasty/slow')).body, 'xxxxx');
});

test('a service that answers garbage is a 502, and the next request is answered', async () => {
  for (const [bytes, code] of [
    ['SSH-2.0-OpenSSH\r\n', 'target_malformed'],
    ['', 'target_reset'],
  ] as const) {
    target.behave(({ socket }) => void socket.end(bytes), { raw: true });
    const answer = await request(gate.url, '/garbage');
    assert.deepEqual([answer.status, JSON.parse(answer.body).code], [502, code]);
  }
  target.behave();
  assert.equal((await request(gate.url, '/fine')).status, 200);
});

test('nothing is sent twice: a service says itself what may be repeated', async () => {
  const before = target.calls.length;
  target.behave((_incoming, response) => void response.writeHead(503, { 'Retry-After': '0' }).end());
  assert.equal((await request(gate.url, '/busy')).status, 503);
  target.behave();
  assert.equal(target.calls.length, before + 1);
});

test('a caller that stands still in its body is told so, and keeps nothing busy', async () => {
  const slow = await startSallyport({
    owner,
    http: 'write_timeout: 300ms',
    config: `proxy: { upstream: "${target.url}", auth: { enabled: false } }`,
  });
  const socket = connect(slow.port, '127.0.0.1');
  socket.setEncoding('latin1').on('error', () => undefined);
  let text = '';
  socket.on('data', (part) => {
    text += part;
  });
  socket.write('POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello');
  await once(socket, 'close');
  assert.match(text, /^HTTP\/1\.1 408 /);
});

test('nothing of all this was an error of ours', () => {
  assert.deepEqual(
    gate.log().filter(({ event }) => event === 'error'),
    [],
  );
});
