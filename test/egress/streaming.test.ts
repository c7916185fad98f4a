/** Bodies on their way: as fast as the slower side takes them, in little memory, and never whole where they broke off. */
import assert from 'node:assert/strict';
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
import { sendRaw } from '../servers/raw-http.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';

const owner = { after };
const target = await startRecordingTarget({ owner });
const sallyport = await startSallyport({
  owner,
  config: `
egress:
  defaults: { timeout: 10s, retry_count: 0 }
  targets:
    open: { url: "${target.url}", allow_private: true, audit_path: full, breaker: { enabled: false } }
    hasty: { url: "${target.url}", allow_private: true, timeout: 300ms, breaker: { enabled: false } }
  routes:
    - { path_prefix: /ext/open, target: open, strip_prefix: /ext/open }
    - { path_prefix: /ext/hasty, target: hasty, strip_prefix: /ext/hasty }
`,
});

const { begin, upload, download, leaveEarly } = createCalls(sallyport.url);

// What the first load makes of a process that was idle, for good, is no part of what a large body takes.
await upload(target, '/ext/open/up', 128 * MIB);

for (const framing of ['its length', 'chunks'] as const) {
  const framed: Record<string, string> = framing === 'chunks' ? {} : { 'Content-Length': String(largeBody) };

  test(`${largeBody / MIB} MiB go out, by ${framing}, within 64 MiB of memory`, () =>
    withinMemory(sallyport.pid, () => upload(target, '/ext/open/up', largeBody, framed)));

  test(`${largeBody / MIB} MiB come in, by ${framing}, within 64 MiB of memory`, () =>
    withinMemory(sallyport.pid, () => download(target, '/ext/open/down', largeBody, framed)));
}

test('a target that does not read holds up its caller, and gets all of it then', async () => {
  const reading = Promise.withResolvers<void>();
  const received = Promise.withResolvers<number>();
  target.behave(
    (incoming, response) =>
      void reading.promise
        .then(() => count(incoming))
        .then((bytes) => {
          received.resolve(bytes);
          response.end();
        }),
    { raw: true },
  );
  const outgoing = begin('/ext/open/up', { method: 'POST' });
  let sent = 0;
  const written = writeAll(outgoing, 2 * MOST_UNDER_WAY, (bytes) => {
    sent = bytes;
  }).then(() => outgoing.end());
  assert.ok((await settled(() => sent)) < MOST_UNDER_WAY, `${sent} bytes are under way`);
  reading.resolve();
  await written;
  assert.equal((await answerOf(outgoing)).resume().statusCode, 200);
  assert.equal(await received.promise, 2 * MOST_UNDER_WAY);
});

test('a caller that does not read holds up the target, and gets all of it then', async () => {
  let sent = 0;
  target.behave(async (_incoming, response) => {
    await writeAll(response, 2 * MOST_UNDER_WAY, (bytes) => {
      sent = bytes;
    });
    response.end();
  });
  const outgoing = begin('/ext/open/down');
  outgoing.end();
  const incoming = await answerOf(outgoing);
  assert.ok((await settled(() => sent)) < MOST_UNDER_WAY, `${sent} bytes are under way`);
  assert.equal(await count(incoming), 2 * MOST_UNDER_WAY);
});

const events = (path: string) => sallyport.log().filter((line) => line['path'] === path && line['event'] === 'egress');

test('a caller that leaves in the middle of its body ends the call', async () => {
  const ended = Promise.withResolvers<void>();
  target.behave(
    (incoming) =>
      void incoming
        .on('error', () => undefined)
        .on('close', ended.resolve)
        .resume(),
    { raw: true },
  );
  const outgoing = begin('/ext/open/left', { method: 'POST', headers: { 'Content-Length': '1000000' } });
  outgoing.write(chunk);
  await until('the call is under way', () => target.connections() > 0);
  await pause(50);
  outgoing.destroy();
  await ended.promise;
  await until('it is told of', () => events('/ext/open/left').length === 1);
});

test('a caller that leaves before its answer, or in the middle of it, ends the call', async () => {
  await leaveEarly(target, '/ext/open/gone');
  await until('both are told of', () => events('/ext/open/gone').length === 2);
  assert.deepEqual(
    events('/ext/open/gone').map(({ error, status }) => [error, status]),
    [
      ['aborted', 0],
      ['aborted', 200],
    ],
  );
});

for (const [title, head, reset] of cuts)
  test(`an answer ${title} that breaks off never looks whole`, async () => {
    breakOff(target, head, reset);
    isCutOff(await sendRaw('GET /ext/open/cut HTTP/1.1\r\nHost: a\r\n\r\n', { port: sallyport.port }));
  });

test('an answer that comes before the whole body is the answer', async () => {
  target.behave((_incoming, response) => void response.writeHead(413, { Connection: 'close' }).end('too large'), {
    raw: true,
  });
  const outgoing = begin('/ext/open/early', { method: 'POST', headers: { 'Content-Length': '100000000' } });
  outgoing.write(chunk);
  const incoming = await answerOf(outgoing);
  assert.equal(incoming.statusCode, 413);
  incoming.resume();
  outgoing.destroy();
});

test('a target that does not answer in time is a 504', async () => {
  target.behave(() => undefined);
  const { status, body } = await request(sallyport.url, '/ext/hasty/silent', { method: 'POST', body: 'x' });
  assert.deepEqual([status, JSON.parse(body).code], [504, 'target_timeout']);
});

test('an answer lasts longer than the timeout as long as it moves, and no longer', async () => {
  target.behave(async (_incoming, response) => {
    for (let part = 0; part < 6; part++) {
      response.write('x');
      await pause(100);
    }
    await pause(1_000);
    response.end('late');
  });
  const { text, ended } = await sendRaw('GET /ext/hasty/slow HTTP/1.1\r\nHost: a\r\n\r\n', { port: sallyport.port });
  assert.equal(ended, 'closed');
  assert.equal(text.match(/1\r\nx\r\n/g)?.length, 6);
  assert.doesNotMatch(text, /late/);
});

test('a body lasts longer than the timeout as long as it moves', async () => {
  target.behave();
  const outgoing = begin('/ext/hasty/up', { method: 'POST' });
  for (let part = 0; part < 6; part++) {
    outgoing.write('x');
    await pause(100);
  }
  outgoing.end();
  assert.equal((await answerOf(outgoing)).resume().statusCode, 200);
  assert.equal(target.latest().body, 'xxxxxx');
});

test('a target that refuses connections is a 502', async () => {
  await target.stop();
  const { status, body } = await request(sallyport.url, '/ext/open/x', { method: 'POST', body: 'x' });
  assert.deepEqual([status, JSON.parse(body).code], [502, 'target_unreachable']);
});

test('a refused upload is not sent: who expects 100 is told at once', async () => {
  const lines = 'Host: a\r\nExpect: 100-continue\r\nContent-Length: 1000000\r\n\r\n';
  const { text, ended } = await sendRaw(`POST /ext/nothing HTTP/1.1\r\n${lines}`, { port: sallyport.port });
  assert.match(text, /^HTTP\/1\.1 404 /);
  assert.equal(ended, 'closed');
});

test('nothing of all this was an error of ours', () => {
  assert.deepEqual(
    sallyport.log().filter(({ event }) => event === 'error'),
    [],
  );
});
