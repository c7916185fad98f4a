/** Bodies that are too large to be kept, on their way up and down, and the memory that they take. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { RecordingTarget } from './recording-target.ts';

export const MIB = 1024 * 1024;

/** More of them with SALLYPORT_STREAM_MIB. */
export const largeBody = Number(process.env['SALLYPORT_STREAM_MIB'] ?? 256) * MIB;

/** Kernels keep tens of MiB in the buffers of two connections. */
export const MOST_UNDER_WAY = 64 * MIB;

export const chunk = Buffer.alloc(64 * 1024, 'x');

type Writes = Pick<NodeJS.WritableStream, 'write' | 'once'>;

/** `sofar` is told of each part before it is written. */
export const writeAll = async (stream: Writes, bytes: number, sofar: (sent: number) => void = () => undefined) => {
  for (let sent = 0; sent < bytes; sent += chunk.length) {
    sofar(sent);
    if (!stream.write(chunk)) await new Promise((resolve) => stream.once('drain', resolve));
  }
};

export const count = async (incoming: IncomingMessage): Promise<number> => {
  let bytes = 0;
  for await (const part of incoming) bytes += part.length;
  return bytes;
};

export const answerOf = async (outgoing: ClientRequest): Promise<IncomingMessage> => {
  const [incoming]: IncomingMessage[] = await once(outgoing, 'response');
  assert.ok(incoming);
  return incoming;
};

/** When all buffers of all sockets between the two sides have filled. */
export const settled = async (value: () => number): Promise<number> => {
  for (let last = -1; last !== value(); await pause(100)) last = value();
  return value();
};

type Begun = Readonly<{ method?: string; headers?: Readonly<Record<string, string>> }>;

/** Calls of `origin`, each on a connection of its own, with `own` headers. */
export const createCalls = (origin: string, own: Readonly<Record<string, string>> = {}) => {
  const begin = (path: string, { headers, ...options }: Begun = {}): ClientRequest => {
    const outgoing = request(`${origin}${path}`, { agent: false, ...options, headers: { ...own, ...headers } });
    outgoing.on('error', () => undefined);
    return outgoing;
  };

  return {
    begin,

    /** All of it arrives at `target`. */
    async upload(target: RecordingTarget, path: string, bytes: number, headers: Begun['headers'] = {}): Promise<void> {
      const received = Promise.withResolvers<number>();
      target.behave(
        async (incoming, response) => {
          received.resolve(await count(incoming));
          response.end('ok');
        },
        { raw: true },
      );
      const outgoing = begin(path, { method: 'PUT', headers });
      await writeAll(outgoing, bytes);
      outgoing.end();
      assert.equal((await answerOf(outgoing)).resume().statusCode, 200);
      assert.equal(await received.promise, bytes);
    },

    /** All of it comes from `target`. */
    async download(
      target: RecordingTarget,
      path: string,
      bytes: number,
      headers: Begun['headers'] = {},
    ): Promise<void> {
      target.behave((_incoming, response) => {
        response.writeHead(200, headers);
        void writeAll(response, bytes).then(() => response.end());
      });
      const outgoing = begin(path);
      outgoing.end();
      assert.equal(await count(await answerOf(outgoing)), bytes);
    },

    /** Leaves twice, before the answer has begun and in its middle: `target` sees the end of each call. */
    async leaveEarly(target: RecordingTarget, path: string): Promise<void> {
      for (const begins of [false, true]) {
        const ended = Promise.withResolvers<void>();
        const reached = Promise.withResolvers<void>();
        target.behave((incoming, response) => {
          incoming.socket.on('close', ended.resolve);
          reached.resolve();
          if (begins) response.write(chunk);
        });
        const outgoing = begin(path);
        outgoing.end();
        await reached.promise;
        if (begins) (await answerOf(outgoing)).on('error', () => undefined).resume();
        outgoing.destroy();
        await ended.promise;
      }
    },
  };
};

/** Holds that `act` takes less than 64 MiB more of the process than it had at its beginning. */
export const withinMemory = async (pid: number, act: () => Promise<void>): Promise<void> => {
  const peakMib = (): number => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
  const before = peakMib();
  await act();
  const more = peakMib() - before;
  assert.ok(more < 64, `${more} MiB more`);
};

/** Answers that break off: by which length they were announced, and how their connection ends. */
// biome-ignore format: a table is read by its columns
export const cuts: readonly (readonly [title: string, head: string, reset: boolean])[] = [
  ['by its length', 'Content-Length: 10', false],
  ['by its length, with a reset', 'Content-Length: 10', true],
  ['in chunks', 'Transfer-Encoding: chunked', false],
  ['in chunks, with a reset', 'Transfer-Encoding: chunked', true],
  ['until the end of the connection, with a reset', 'Connection: close', true],
];

export const breakOff = (target: RecordingTarget, head: string, reset: boolean): void =>
  target.behave(
    ({ socket }) => {
      const body = head.includes('chunked') ? '5\r\nhello\r\n' : 'hello';
      socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${body}`);
      setTimeout(() => (reset ? socket.resetAndDestroy() : socket.destroy()), 50);
    },
    { raw: true },
  );

/** Closed by the other side, and not whole to whoever reads it. */
export const isCutOff = ({ text, ended }: Readonly<{ text: string; ended: string }>): void => {
  assert.equal(ended, 'closed');
  assert.match(text, /^HTTP\/1\.1 200 OK/);
  assert.match(text, /hello/);
  assert.doesNotMatch(text, /\r\n0\r\n\r\n$/);
};
