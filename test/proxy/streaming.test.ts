/** Bodies through the proxy: as fast as the slower side takes them, in little memory, and never whole where they broke off. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import {
  answerOf,
  breakOff,
  chunk,
  count,
  createCalls,
  cuts,
  isCutOff,
  largeBody,
  MIB,
  MOST_UNDER_WAY,
  settled,
  withinMemory,
  writeAll,
} from '../peers/large-bodies.ts';
import { startRecordingTarget } from '../peers/recording-target.ts';
import { startSallyport } from '../sallyport.ts';
import { parseAnswers, sendRaw } from '../servers/raw-http.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';
import { jwtBlock, userToken } from './tokens.ts';

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

const { begin, upload, download, leaveEarly } = createCalls(gate.url, headers);

// What the first load makes of a process that was idle, for good, is no part of what a large body takes.
await upload(target, '/closed/up', 128 * MIB);

for (const framing of ['its length', 'chunks'] as const) {
  const framed: Record<string, string> = framing === 'chunks' ? {} : { 'Content-Length': String(largeBody) };

  test(`${largeBody / MIB} MiB go up, by ${framing}, within 64 MiB of memory`, () =>
    withinMemory(gate.pid, () => upload(target, '/closed/up', largeBody, framed)));

  test(`${largeBody / MIB} MiB come down, by ${framing}, within 64 MiB of memory`, () =>
    withinMemory(gate.pid, () => download(target, '/closed/down', largeBody, framed)));
}

test('a caller that does not read holds up the service, and gets all of it then', async () => {
  let sent = 0;
  target.behave(async (_incoming, response) => {
    await writeAll(response, 2 * MOST_UNDER_WAY, (bytes) => {
      sent = bytes;
    });
    response.end();
  });
  const outgoing = begin('/down');
  outgoing.end();
  const incoming = await answerOf(outgoing);
  assert.ok((await settled(() => sent)) < MOST_UNDER_WAY, `${sent} bytes are under way`);
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
  await leaveEarly(target, '/gone');
  await until('both are told of', () => lines('/gone').length === 2);
  assert.deepEqual(
    lines('/gone').map(({ error, status, decision }) => [error, status, decision]),
    [
      ['aborted', 0, 'allow'],
      ['aborted', 200, 'allow'],
    ],
  );
});

for (const [title, head, reset] of cuts)
  test(`an answer ${title} that breaks off never looks whole`, async () => {
    breakOff(target, head, reset);
    isCutOff(await sendRaw('GET /cut HTTP/1.1\r\nHost: a\r\n\r\n', { port: gate.port }));
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
