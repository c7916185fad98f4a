/** The gRPC server by itself: what it makes of calls that are none, come in pieces, take long, or are cut. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { test } from 'node:test';
import grpc from '@grpc/grpc-js';
import type { Methods, Unary } from '../../src/grpc/server/method.ts';
import { isFailure } from '../../src/grpc/server/status.ts';
import { until } from '../servers/until.ts';
import { callRaw, framed, openSession, startListener, statusOf } from './wire.ts';

const echo: Unary = {
  kind: 'unary',
  answer: (message) => (isFailure(message) ? message : [message.toString('latin1')]),
};
const methods: Methods = { '/test.Test/Echo': echo };

const hello = Buffer.from('hello');

const { status: code } = grpc;

type Pieces = readonly (Buffer | undefined)[];

const failing: readonly (readonly [string, Readonly<Record<string, string>>, Pieces, number])[] = [
  ['a method that does not exist', { ':path': '/test.Test/Other' }, [framed(hello)], code.UNIMPLEMENTED],
  ['a method named like a property', { ':path': '/constructor' }, [framed(hello)], code.UNIMPLEMENTED],
  ['no message', {}, [], code.INTERNAL],
  ['two messages', {}, [framed(hello), framed(hello)], code.INTERNAL],
  ['a message that is cut short', {}, [framed(hello).subarray(0, 7)], code.INTERNAL],
  ['a message and a half', {}, [framed(hello), framed(hello).subarray(0, 7)], code.INTERNAL],
  ['a message over the limit', {}, [framed(Buffer.alloc(1_001))], code.RESOURCE_EXHAUSTED],
  [
    'the head of a message of four gigabytes',
    {},
    [Buffer.from('00ffffffff', 'hex'), undefined],
    code.RESOURCE_EXHAUSTED,
  ],
  ['a compressed message', {}, [framed(hello, 1)], code.UNIMPLEMENTED],
  ['a flag that is none', {}, [framed(hello, 9)], code.INTERNAL],
  ['an encoding', { 'grpc-encoding': 'gzip' }, [framed(hello)], code.UNIMPLEMENTED],
  ['a timeout that cannot be read', { 'grpc-timeout': 'soon' }, [framed(hello)], code.INVALID_ARGUMENT],
];

for (const [title, headers, pieces, expected] of failing) {
  test(`${title} ends with ${code[expected]}, in trailers alone, and the connection goes on`, async (t) => {
    const { address } = await startListener(t, { methods });
    const session = openSession(address.port, t);
    const answer = await callRaw(session, headers, pieces);
    assert.equal(statusOf(answer), expected, JSON.stringify(answer.head));
    assert.equal(answer.head[':status'], 200);
    assert.equal(answer.head['content-type'], 'application/grpc');
    assert.equal(answer.body.length, 0);
    assert.equal(statusOf(await callRaw(session, {}, [framed(hello)])), 0);
  });
}

for (const [title, headers] of [
  ['another content type', { 'content-type': 'application/json' }],
  ['grpc-web', { 'content-type': 'application/grpc-web' }],
  ['another method', { ':method': 'PUT' }],
] as const) {
  test(`${title} is no gRPC: 415`, async (t) => {
    const { address } = await startListener(t, { methods });
    const { head } = await callRaw(openSession(address.port, t), headers);
    assert.equal(head[':status'], 415);
  });
}

for (const type of ['application/grpc', 'application/grpc+proto', 'application/grpc;charset=utf-8']) {
  test(`${type} is answered: message, then trailers`, async (t) => {
    const { address } = await startListener(t, { methods });
    const answer = await callRaw(
      openSession(address.port, t),
      { 'content-type': type, 'grpc-encoding': 'identity' },
      [...framed(hello)].map((byte) => Buffer.from([byte])),
    );
    assert.deepEqual([statusOf(answer), answer.trailers['grpc-status']], [0, '0']);
    assert.deepEqual(answer.body, framed(hello));
  });
}

test('a call that takes longer than its caller waits ends with DEADLINE_EXCEEDED, and its answer harms nobody', async (t) => {
  const { promise, resolve } = Promise.withResolvers<string[]>();
  const { address, errors } = await startListener(t, {
    methods: { '/test.Test/Echo': { kind: 'unary', answer: () => promise } },
  });
  const session = openSession(address.port, t);
  assert.equal(statusOf(await callRaw(session, { 'grpc-timeout': '20m' })), code.DEADLINE_EXCEEDED);
  resolve(['hello']);
  assert.equal(statusOf(await callRaw(session, { 'grpc-timeout': '10S' })), 0);
  assert.deepEqual(errors, []);
});

test('a method that fails is reported, and its caller told no more than that', async (t) => {
  const { address, errors } = await startListener(t, {
    methods: { '/test.Test/Echo': { kind: 'unary', answer: () => Promise.reject(new Error('a secret')) } },
  });
  const answer = await callRaw(openSession(address.port, t), {});
  assert.equal(statusOf(answer), code.INTERNAL);
  assert.ok(!JSON.stringify(answer).includes('secret'));
  assert.equal(errors.length, 1);
});

test('a call that is cut while it waits harms no other on its connection', async (t) => {
  const waiting = Promise.withResolvers<string[]>();
  const { address, errors } = await startListener(t, {
    methods: { ...methods, '/test.Test/Wait': { kind: 'unary', answer: () => waiting.promise } },
  });
  const session = openSession(address.port, t);
  const cut = session.request({ ':method': 'POST', ':path': '/test.Test/Wait', 'content-type': 'application/grpc' });
  cut.end(framed(hello));
  cut.on('error', () => undefined);
  setImmediate(() => cut.close(8));
  await once(cut, 'close');
  waiting.resolve(['hello']);
  assert.equal(statusOf(await callRaw(session, {}, [framed(hello)])), 0);
  assert.deepEqual(errors, []);
});

test('calls whose message does not come whole are given up, and one whose answer takes long is not', async (t) => {
  const slow = Promise.withResolvers<string[]>();
  const { address, errors } = await startListener(t, {
    methods: { ...methods, '/test.Test/Wait': { kind: 'unary', answer: () => slow.promise } },
    messageTimeoutMs: 100,
    maxMessageBytes: 10_000_000,
  });
  const session = openSession(address.port, t);
  const waiting = callRaw(session, { ':path': '/test.Test/Wait' });
  const half = framed(Buffer.alloc(9_000_000)).subarray(0, 30_000);
  const stuck = await Promise.all(
    Array.from({ length: 100 }, (_, n) => callRaw(session, {}, n % 2 ? [undefined] : [half, undefined])),
  );
  assert.deepEqual(new Set(stuck.map(statusOf)), new Set([code.DEADLINE_EXCEEDED]));
  slow.resolve(['hello']);
  assert.equal(statusOf(await waiting), 0);
  assert.deepEqual(errors, []);
});

test('two thousand calls that are cut at once do not end the connection of the others', async (t) => {
  const { address } = await startListener(t, {
    methods: { ...methods, '/test.Test/Wait': { kind: 'unary', answer: () => new Promise(() => undefined) } },
  });
  const session = openSession(address.port, t);
  for (let n = 0; n < 2_000; n++) {
    const cut = session.request({ ':method': 'POST', ':path': '/test.Test/Wait', 'content-type': 'application/grpc' });
    cut.on('error', () => undefined);
    cut.end(framed(hello), () => cut.close(8));
    if (n % 100 === 99) await once(cut, 'close');
  }
  assert.equal(statusOf(await callRaw(session, {}, [framed(hello)])), 0);
});

test('a ping is answered', async (t) => {
  const { address } = await startListener(t, { methods });
  const session = openSession(address.port, t);
  await once(session, 'connect');
  const payload = Buffer.from('12345678');
  const back = await new Promise<Buffer>((resolve) => session.ping(payload, (_error, _ms, echoed) => resolve(echoed)));
  assert.deepEqual(back, payload);
});

for (const [title, bytes] of [
  ['HTTP/1.1', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['rubbish', '\x00\x01\x02\x03'.repeat(20)],
  ['a preface and rubbish', `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${'\xff'.repeat(40)}`],
] as const) {
  test(`${title} ends its own connection, and no other`, async (t) => {
    const { address, errors } = await startListener(t, { methods });
    const session = openSession(address.port, t);
    await once(session, 'connect');
    const socket = connectTcp(address.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.resume();
    socket.write(bytes, 'latin1');
    await once(socket, 'close');
    assert.equal(statusOf(await callRaw(session, {}, [framed(hello)])), 0);
    assert.deepEqual(errors, []);
  });
}

test('a drained server answers what is on its way, and asks to come back; closed, it waits for what it has begun', async (t) => {
  const slow = Promise.withResolvers<string[]>();
  const { address, drain, close } = await startListener(t, {
    methods: { ...methods, '/test.Test/Wait': { kind: 'unary', answer: () => slow.promise } },
  });
  const session = openSession(address.port, t);
  const begun = callRaw(session, { ':path': '/test.Test/Wait' });
  await callRaw(session, {}, [framed(hello)]);
  const [told, last]: unknown[] = await Promise.all([once(session, 'goaway'), drain()]).then(([args]) => args);
  assert.deepEqual([told, last], [0, 2 ** 31 - 1]);
  const closed = close(10_000);
  slow.resolve(['hello']);
  assert.equal(statusOf(await begun), 0);
  await closed;
});

test('calls that were sent before the client heard of the end are answered', async (t) => {
  const { address, drain } = await startListener(t, { methods });
  const raw = connectTcp(address.port, '127.0.0.1');
  t.after(() => raw.destroy());
  const received: Buffer[] = [];
  raw.on('data', (bytes: Buffer) => received.push(bytes));
  raw.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  raw.write(Buffer.from('000000040000000000', 'hex'));
  await until('the server has said hello', () => received.length > 0);
  drain();
  const text = () => Buffer.concat(received).toString('hex');
  await until('the notice has come', () => text().includes('0000080700000000007fffffff00000000'));
  // HEADERS of stream 1: POST, http, path, content type; then DATA with one empty message, which ends the stream.
  const literal = (name: string, value: string) =>
    Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)]);
  const head = Buffer.concat([
    Buffer.from([0x83, 0x86]),
    literal(':authority', 'x'),
    literal(':path', '/test.Test/Echo'),
    literal('content-type', 'application/grpc'),
  ]);
  raw.write(Buffer.concat([Buffer.from([0, 0, head.length, 1, 4, 0, 0, 0, 1]), head]));
  raw.write(Buffer.from(`000005000100000001${'00'.repeat(5)}`, 'hex'));
  await until('it is answered: DATA on stream 1', () => /000005000[01]00000001/.test(text()));
});

type Received = { messages: string[]; finished: boolean };

const collector = (received: Received, gate: () => Promise<undefined> | undefined): Methods => ({
  '/test.Test/Collect': {
    kind: 'client_stream',
    open: () => ({
      take(message) {
        received.messages.push(message.toString());
        return gate();
      },
      finish() {
        received.finished = true;
        return ['done'];
      },
    }),
  },
});

const collect = { ':path': '/test.Test/Collect' };

test('a stream of messages is taken in order and answered at its end', async (t) => {
  const received: Received = { messages: [], finished: false };
  const { address } = await startListener(t, { methods: collector(received, () => undefined) });
  const pieces = Array.from({ length: 500 }, (_, n) => framed(Buffer.from(`m${n}`)));
  const answer = await callRaw(openSession(address.port, t), collect, pieces);
  assert.equal(statusOf(answer), 0);
  assert.deepEqual(
    received.messages,
    pieces.map((_, n) => `m${n}`),
  );
  assert.ok(answer.body.toString().endsWith('done'));
});

test('nothing is read on while a message is being taken, and the sender is held back', async (t) => {
  const received: Received = { messages: [], finished: false };
  const full = Promise.withResolvers<undefined>();
  const { address } = await startListener(t, { methods: collector(received, () => full.promise) });
  const session = openSession(address.port, t);
  const stream = session.request({ ':method': 'POST', 'content-type': 'application/grpc', ...collect });
  stream.on('error', () => undefined);
  const message = framed(Buffer.alloc(1_000));
  let isHeldBack = false;
  for (let n = 0; n < 5_000 && !isHeldBack; n++) {
    stream.write(message);
    if (n % 100 === 0) await new Promise(setImmediate);
    isHeldBack = stream.writableLength > 2 * 2 ** 20;
  }
  assert.ok(isHeldBack, 'five megabytes were taken in');
  assert.equal(received.messages.length, 1);
  stream.end();
  full.resolve(undefined);
  stream.resume();
  await once(stream, 'close');
  assert.ok(received.finished);
  assert.ok(received.messages.length > 1_000);
});

test('a stream that is cut keeps what came whole', async (t) => {
  const received: Received = { messages: [], finished: false };
  const { address, errors } = await startListener(t, { methods: collector(received, () => undefined) });
  const session = openSession(address.port, t);
  const stream = session.request({ ':method': 'POST', 'content-type': 'application/grpc', ...collect });
  stream.on('error', () => undefined);
  stream.write(framed(Buffer.from('whole')));
  stream.write(framed(Buffer.from('half')).subarray(0, 7));
  await until('the first message is taken', () => received.messages.length === 1);
  session.destroy();
  const other = await callRaw(openSession(address.port, t), collect, [framed(Buffer.from('next'))]);
  assert.equal(statusOf(other), 0);
  assert.deepEqual(received.messages, ['whole', 'next']);
  assert.deepEqual(errors, []);
});

test('drained, a stream is answered, and what its sender still sends is taken', async (t) => {
  const received: Received = { messages: [], finished: false };
  const { address, drain } = await startListener(t, { methods: collector(received, () => undefined) });
  const session = openSession(address.port, t);
  const stream = session.request({ ':method': 'POST', 'content-type': 'application/grpc', ...collect });
  stream.on('error', () => undefined);
  stream.resume();
  stream.write(framed(Buffer.from('before')));
  await until('the first message is taken', () => received.messages.length === 1);
  drain();
  await once(stream, 'trailers');
  stream.write(framed(Buffer.from('after')));
  await until('the second message is taken', () => received.messages.length === 2);
});
