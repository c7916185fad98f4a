/** Targets that speak HTTP/2. */
import assert from 'node:assert/strict';
import { lookup } from 'node:dns';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { constants, createSecureServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, afterEach, test } from 'node:test';
import { createSecureContext, createServer as createTlsServer } from 'node:tls';
import { assembleAttempts, createTargetState } from '../../src/assemble/attempts.ts';
import { load } from '../../src/config/harness.test.ts';
import type { Sending, Upstream, UpstreamCall, UpstreamFault } from '../../src/egress/upstream.ts';
import { createHttp2Upstream } from '../../src/stores/upstream/http2.ts';
import { createUpstream } from '../../src/stores/upstream/pool.ts';
import { startRecordingTarget } from '../peers/recording-target.ts';
import { createAuthority, readPair } from '../servers/certificates.ts';
import { until } from '../servers/until.ts';

const owner = { after };
const authority = createAuthority(owner);
const pair = authority.issue('target');
const ca = readFileSync(authority.ca);

type Serve = (stream: ServerHttp2Stream, headers: Readonly<Record<string, unknown>>) => unknown;

const echo: Serve = async (stream, headers) => {
  const body = await buffer(stream);
  stream.respond({ ':status': 200, 'set-cookie': ['a=1', 'b=2'], 'x-method': String(headers[':method']) });
  stream.end(body);
};

let serve = echo;
let streams = 0;
const sockets = new Set<Socket>();
const server = createSecureServer({ ...readPair(pair), allowHTTP1: false });
server.on('secureConnection', (socket: Socket) => sockets.add(socket));
server.on('sessionError', () => undefined);
server.on('stream', (stream, headers) => {
  streams += 1;
  stream.on('error', () => undefined);
  Promise.resolve(serve(stream, headers)).catch(() => stream.destroy());
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
after(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
});

const open = (url = `https://127.0.0.1:${port}`): Upstream => {
  const options = { origin: url, lookup, tls: { secureContext: createSecureContext({ ca }) } };
  const upstream = createHttp2Upstream(options, createUpstream(options));
  after(() => upstream.destroy());
  return upstream;
};
const upstream = open();

afterEach(() => {
  serve = echo;
  streams = 0;
});

type Answer = { status: number; headers: readonly string[]; body: Buffer; fault?: UpstreamFault };

const begin = (call: Partial<UpstreamCall>, way = upstream): { sending: Sending; answer: Promise<Answer> } => {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const answer: Answer = { status: 0, headers: [], body: Buffer.alloc(0) };
  const whole = { method: 'GET', path: '/', headers: [], body: undefined, bodyLength: undefined, timeoutMs: 5_000 };
  const chunks: Buffer[] = [];
  const sending = way.send(
    { ...whole, ...call },
    {
      head: (status, headers) => void Object.assign(answer, { status, headers }),
      data: (chunk) => void chunks.push(chunk),
      end: () => resolve({ ...answer, body: Buffer.concat(chunks) }),
      fail: (fault) => resolve({ ...answer, body: Buffer.concat(chunks), fault }),
    },
  );
  return { sending, answer: promise };
};
const ask = (call: Partial<UpstreamCall>, way = upstream): Promise<Answer> => begin(call, way).answer;

test('a call and its answer pass, with every header and body', async () => {
  let got: Readonly<Record<string, unknown>> = {};
  serve = (stream, headers) => {
    got = headers;
    return echo(stream, headers);
  };
  const headers = ['X-Name', 'value', 'Cookie', 'a=1', 'Authorization', 'Bearer t'];
  const {
    status,
    headers: received,
    body,
  } = await ask({ method: 'POST', path: '/a?b=c', headers, body: Buffer.from('x=1') });
  assert.deepEqual([status, body.toString()], [200, 'x=1']);
  assert.deepEqual(
    [got[':path'], got['x-name'], got['authorization'], got['content-length']],
    ['/a?b=c', 'value', 'Bearer t', '3'],
  );
  assert.deepEqual(received.slice(0, 6), ['set-cookie', 'a=1', 'set-cookie', 'b=2', 'x-method', 'POST']);
});

test('headers are the same bytes, whatever their names', async () => {
  let got: Readonly<Record<string, unknown>> = {};
  serve = (stream, headers) => {
    got = headers;
    stream.respond({ ':status': 200, 'x-bytes': 'a\u00ffb', constructor: 'theirs' });
    stream.end();
  };
  const headers = ['constructor', 'ours', 'X-Twice', '1', 'x-twice', '2', 'X-Bytes', 'a\u00ffb', '__proto__', 'x'];
  const { headers: received } = await ask({ headers });
  assert.deepEqual(
    ['constructor', 'x-twice', 'x-bytes', '__proto__'].map((name) => Object.getOwnPropertyDescriptor(got, name)?.value),
    ['ours', '1, 2', 'a\u00ffb', 'x'],
  );
  assert.deepEqual(received.slice(0, 4), ['x-bytes', 'a\u00ffb', 'constructor', 'theirs']);
});

test('two hundred calls at once go over one connection or two', async () => {
  const before = sockets.size;
  const answers = await Promise.all(Array.from({ length: 200 }, (_, index) => ask({ path: `/${index}` })));
  assert.ok(answers.every(({ status }) => status === 200));
  assert.ok(sockets.size - before <= 3, `${sockets.size - before} connections`);
});

test('bodies stream both ways, announced or in chunks', async () => {
  const piece = Buffer.alloc(64 * 1024, 'y');
  for (const bodyLength of [undefined, 64 * piece.length]) {
    const body = Readable.from(Array.from({ length: 64 }, () => piece));
    const answer = await ask({ method: 'PUT', body, bodyLength });
    assert.deepEqual([answer.status, answer.body.length, answer.fault], [200, 64 * piece.length, undefined]);
  }
});

test('a reader that pauses is waited for', async () => {
  const size = 8 * 1024 * 1024;
  let written = 0;
  serve = (stream, headers) => {
    if (headers[':path'] === '/other') return echo(stream, headers);
    stream.respond({ ':status': 200 });
    return Readable.from(
      (function* () {
        for (; written < size; written += 64 * 1024) yield Buffer.alloc(64 * 1024);
      })(),
    ).pipe(stream);
  };
  const { sending, answer } = begin({});
  sending.pause();
  await until('the windows are full', () => written > 0);
  const { status } = await ask({ path: '/other' });
  assert.equal(status, 200);
  assert.ok(written < size, 'the target has not been read to its end');
  sending.resume();
  assert.equal((await answer).body.length, size);
});

const ends: readonly (readonly [what: string, Serve, UpstreamFault['failure']])[] = [
  ['resets the stream', (stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR), 'reset'],
  ['refuses the stream', (stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM), 'reset'],
  [
    'ends the connection',
    () => {
      for (const socket of sockets) socket.destroy();
    },
    'reset',
  ],
  [
    'goes away without having seen it',
    (stream) => {
      stream.session?.goaway(0, Math.max(0, (stream.id ?? 1) - 2));
      stream.close(constants.NGHTTP2_CANCEL);
      stream.session?.close();
    },
    'reset',
  ],
  ['never answers', () => undefined, 'timeout'],
];

for (const [what, behaviour, failure] of ends)
  test(`a charge is sent once to a target that ${what}, and the next call passes`, async () => {
    serve = behaviour;
    const { fault } = await ask({ method: 'POST', body: Buffer.from('amount=1000'), timeoutMs: 300 });
    assert.equal(fault?.failure, failure);
    assert.equal(fault?.sent, true);
    assert.equal(streams, 1);
    serve = echo;
    assert.equal((await ask({})).status, 200);
  });

test('a GET whose stream or connection ends is made again, a POST is not', async () => {
  const { config } = load('egress: { targets: { a: { url: "https://a.example", http2: true, retry_delay: 5ms } } }');
  const target = config.egress?.targets['a'];
  assert.ok(target && config.egress);
  const { send } = assembleAttempts(
    target,
    config.egress.defaults,
    (call, receiver) => {
      receiver.attempt('');
      return upstream.send(call, receiver);
    },
    createTargetState(target, () => undefined),
  );
  const through: Upstream = {
    ...upstream,
    send: (call, receiver) => send(call, { ...receiver, attempt: () => undefined, refuse: () => undefined }),
  };
  for (const [, behaviour] of ends.slice(0, 4)) {
    for (const [method, expected] of [
      ['GET', [200, 2]],
      ['POST', [0, 1]],
    ] as const) {
      streams = 0;
      serve = (stream, headers) => {
        serve = echo;
        return behaviour(stream, headers);
      };
      const { status } = await ask({ method }, through);
      assert.deepEqual([status, streams], expected);
    }
  }
});

const givesUp: readonly (readonly [
  what: string,
  UpstreamFault['failure'],
  (sending: Sending, body: Readable) => void,
])[] = [
  ['that its caller gives up', 'aborted', (sending) => sending.abort()],
  ['whose caller leaves', 'body', (_sending, body) => body.destroy()],
];

for (const [what, failure, end] of givesUp)
  test(`an upload ${what} is never taken for whole`, async () => {
    let isWhole: boolean | undefined;
    serve = (stream) => {
      stream.once('end', () => {
        isWhole = true;
      });
      stream.once('aborted', () => {
        isWhole ??= false;
      });
      stream.resume();
    };
    const body = new Readable({ read: () => undefined });
    body.push('half of it');
    const { sending, answer } = begin({ method: 'PUT', body });
    await until('it has begun', () => streams === 1);
    end(sending, body);
    assert.equal((await answer).fault?.failure, failure);
    await until('the target knows', () => isWhole !== undefined);
    assert.equal(isWhole, false);
  });

const breaks: readonly (readonly [what: string, (stream: ServerHttp2Stream) => void])[] = [
  ['a reset', (stream) => stream.destroy(new Error('it breaks'))],
  ['a cancellation', (stream) => stream.destroy(new DOMException('cancelled', 'AbortError'))],
  ['an end before its length', (stream) => stream.end()],
  ['a reset that names no error', (stream) => stream.destroy()],
  ['the end of the connection', (stream) => (stream.session as ServerHttp2Session).destroy()],
];

for (const [what, end] of breaks)
  for (const length of what === 'an end before its length' ? [100] : [undefined, 100])
    test(`an answer of ${length ?? 'unknown'} bytes broken off by ${what} is never taken for whole`, async () => {
      let isCut = false;
      serve = (stream) => {
        stream.once('close', () => {
          isCut = true;
        });
        stream.respond({ ':status': 200, ...(length !== undefined && { 'content-length': length }) });
        stream.write('half of it', () => setImmediate(end, stream));
      };
      const { status, fault } = await ask({});
      assert.deepEqual([status, fault?.failure], [200, 'reset']);
      isCut = false;
      const { sending, answer } = begin({});
      sending.pause();
      await until('it is cut', () => isCut);
      sending.resume();
      assert.equal((await answer).fault?.failure, 'reset', 'whose reader pauses');
    });

test('a whole answer whose reader pauses beyond its end is whole', async () => {
  let isEnded = false;
  serve = (stream) => {
    stream.once('close', () => {
      isEnded = true;
    });
    stream.respond({ ':status': 200 });
    stream.end('all of it');
  };
  const { sending, answer } = begin({});
  sending.pause();
  await until('it is ended', () => isEnded);
  sending.resume();
  assert.deepEqual([(await answer).fault, (await answer).body.toString()], [undefined, 'all of it']);
});

test('whoever closes waits for what is under way, and opens nothing more', async () => {
  const held: (() => void)[] = [];
  serve = (stream) => {
    held.push(() => {
      stream.respond({ ':status': 200 });
      stream.end('late');
    });
  };
  const way = open();
  const early = ask({}, way);
  const isClosed = way.close();
  await until('it has begun', () => held.length === 1);
  held[0]?.();
  assert.equal((await early).body.toString(), 'late');
  await isClosed;
});

test('a target that ends every connection as it begins fails each call at once', async (t) => {
  const closing = createTlsServer({ ...readPair(pair), ALPNProtocols: ['h2'] }, (socket) => socket.end());
  closing.listen(0, '127.0.0.1');
  await once(closing, 'listening');
  t.after(() => closing.close());
  const way = open(`https://127.0.0.1:${(closing.address() as AddressInfo).port}`);
  for (let call = 0; call < 3; call += 1) {
    const { fault } = await ask({ method: 'POST', body: Buffer.from('x'), timeoutMs: 2_000 }, way);
    assert.ok(fault && ['unreachable', 'reset'].includes(fault.failure), fault?.failure);
  }
});

test('a target that speaks HTTP/1.1 alone is called by that', async (t) => {
  const old = await startRecordingTarget({ owner: t, tls: pair });
  const way = open(old.url);
  const body = Readable.from(['a', 'b']);
  const answers = [await ask({}, way), await ask({ method: 'POST', body }, way)];
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200],
  );
  assert.equal(old.latest().body, 'ab');
});
