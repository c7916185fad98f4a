/** Bodies on their way: as fast as the slower side takes them, in little memory, and never whole where they broke off. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { request as ask, type IncomingMessage } from 'node:http';
import { after, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { startRecordingTarget } from '../peers/recording-target.ts';
import { startSallyport } from '../sallyport.ts';
import { sendRaw } from '../servers/raw-http.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';

const MIB = 1024 * 1024;
/** 2 GiB by SALLYPORT_STREAM_MIB=2048. */
const size = Number(process.env['SALLYPORT_STREAM_MIB'] ?? 256) * MIB;
const chunk = Buffer.alloc(64 * 1024, 'x');

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

/** The most memory since the last call. */
const peakMib = (): number =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${sallyport.pid}/status`, 'utf8'))?.[1]) / 1024;
const forgetPeak = (): void => writeFileSync(`/proc/${sallyport.pid}/clear_refs`, '5');

const begin = (path: string, options: { method?: string; headers?: Record<string, string> } = {}) => {
  const outgoing = ask(`${sallyport.url}${path}`, { agent: false, ...options });
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

const countBy = (received: PromiseWithResolvers<number>): void =>
  target.behave(
    async (incoming, response) => {
      received.resolve(await count(incoming));
      response.end('ok');
    },
    { raw: true },
  );

const upload = async (bytes: number, headers: Record<string, string>): Promise<void> => {
  const received = Promise.withResolvers<number>();
  countBy(received);
  const outgoing = begin('/ext/open/up', { method: 'PUT', headers });
  for (let sent = 0; sent < bytes; sent += chunk.length) if (!outgoing.write(chunk)) await once(outgoing, 'drain');
  outgoing.end();
  assert.equal((await answerOf(outgoing)).resume().statusCode, 200);
  assert.equal(await received.promise, bytes);
};

// What the first load makes of a process that was idle, for good, is no part of what a large body takes.
await upload(128 * MIB, {});

for (const framing of ['its length', 'chunks'] as const) {
  const headers = framing === 'chunks' ? {} : { 'Content-Length': String(size) };

  test(`${size / MIB} MiB go out, by ${framing}, within 64 MiB of memory`, async () => {
    forgetPeak();
    const before = peakMib();
    await upload(size, headers);
    assert.ok(peakMib() - before < 64, `${peakMib() - before} MiB more`);
  });

  test(`${size / MIB} MiB come in, by ${framing}, within 64 MiB of memory`, async () => {
    target.behave(async (_incoming, response) => {
      response.writeHead(200, headers);
      for (let sent = 0; sent < size; sent += chunk.length) if (!response.write(chunk)) await once(response, 'drain');
      response.end();
    });
    forgetPeak();
    const before = peakMib();
    const outgoing = begin('/ext/open/down');
    outgoing.end();
    assert.equal(await count(await answerOf(outgoing)), size);
    assert.ok(peakMib() - before < 64, `${peakMib() - before} MiB more`);
  });
}

/** Long enough for all buffers of all sockets between the two sides to fill. */
const settled = async (value: () => number): Promise<number> => {
  for (let last = -1; last !== value(); await pause(100)) last = value();
  return value();
};

/** Kernels keep tens of MiB in the buffers of two connections. */
const MOST_UNDER_WAY = 64 * MIB;

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
  const write = () => {
    while (sent < 2 * MOST_UNDER_WAY && outgoing.write(chunk)) sent += chunk.length;
    if (sent >= 2 * MOST_UNDER_WAY) outgoing.end();
    else
      outgoing.once('drain', () => {
        sent += chunk.length;
        write();
      });
  };
  write();
  assert.ok((await settled(() => sent)) < MOST_UNDER_WAY, `${sent} bytes are under way`);
  reading.resolve();
  assert.equal((await answerOf(outgoing)).resume().statusCode, 200);
  assert.equal(await received.promise, sent);
});

test('a caller that does not read holds up the target, and gets all of it then', async () => {
  let sent = 0;
  target.behave(async (_incoming, response) => {
    for (; sent < 2 * MOST_UNDER_WAY; sent += chunk.length) if (!response.write(chunk)) await once(response, 'drain');
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
  for (const begins of [false, true]) {
    const ended = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    target.behave((incoming, response) => {
      incoming.socket.on('close', ended.resolve);
      reached.resolve();
      if (begins) response.write(chunk);
    });
    const outgoing = begin('/ext/open/gone');
    outgoing.end();
    await reached.promise;
    if (begins) (await answerOf(outgoing)).on('error', () => undefined).resume();
    outgoing.destroy();
    await ended.promise;
  }
  await until('both are told of', () => events('/ext/open/gone').length === 2);
  assert.deepEqual(
    events('/ext/open/gone').map(({ error, status }) => [error, status]),
    [
      ['aborted', 0],
      ['aborted', 200],
    ],
  );
});

// biome-ignore format: a table is read by its columns
const cuts: readonly (readonly [title: string, head: string, reset: boolean])[] = [
  ['by its length', 'Content-Length: 10', false],
  ['by its length, with a reset', 'Content-Length: 10', true],
  ['in chunks', 'Transfer-Encoding: chunked', false],
  ['in chunks, with a reset', 'Transfer-Encoding: chunked', true],
  ['until the end of the connection, with a reset', 'Connection: close', true],
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
    const { text, ended } = await sendRaw('GET /ext/open/cut HTTP/1.1\r\nHost: a\r\n\r\n', { port: sallyport.port });
    assert.equal(ended, 'closed');
    assert.match(text, /^HTTP\/1\.1 200 OK/);
    assert.match(text, /hello/);
    assert.doesNotMatch(text, /\r\n0\r\n\r\n$/);
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
