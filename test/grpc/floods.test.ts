/** Frames without end on the gRPC listener: bounded, and others are answered meanwhile. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect, constants } from 'node:http2';
import { after, test } from 'node:test';
import { createAuthority, readPair } from '../servers/certificates.ts';
import { block, type Field, flags, frame, openHttp2 } from '../servers/http2-frames.ts';
import { until } from '../servers/until.ts';
import { callRaw, framed, openSession, startListener, statusOf } from './wire.ts';

const authority = createAuthority({ after });
const client = authority.issue('envoy');
const ca = readFileSync(authority.ca);
const certificates = { ...readPair(authority.issue('sallyport')), clientCas: [ca], crls: [] };
const methods = { '/test.Test/Echo': { kind: 'unary', answer: () => [] } } as const;

const target: readonly Field[] = [
  [':method', 'POST'],
  [':scheme', 'https'],
  [':path', '/test.Test/Echo'],
  [':authority', 'a'],
  ['content-type', 'application/grpc'],
];
const head = (stream: number) => frame('headers', flags.endHeaders, stream, block(target));
const endless = frame('continuation', 0, 1, block([['x', 'y'.repeat(100)]]));

for (const [what, opening, attack] of [
  ['CONTINUATION (CVE-2024-27316)', frame('headers', 0, 1, block(target)), () => endless],
  [
    'calls that are given up at once (CVE-2023-44487)',
    undefined,
    (n: number) => Buffer.concat([head(2 * n + 1), frame('rst', 0, 2 * n + 1, Buffer.from([0, 0, 0, 8]))]),
  ],
  ['calls without a message', undefined, (n: number) => head(2 * n + 1)],
  ['PING without reading the answers', undefined, () => frame('ping', 0, 0, Buffer.alloc(8))],
  ['SETTINGS without reading the answers', undefined, () => frame('settings', 0, 0, Buffer.from([0, 3, 0, 0, 0, 100]))],
  ['empty DATA', head(1), () => frame('data', 0, 1)],
] as const) {
  test(`${what} without end: bounded, and others are answered meanwhile`, async (t) => {
    const { address, errors } = await startListener(t, { methods, certificates });
    const raw = await openHttp2(address.port, authority.ca, client);
    t.after(() => void raw.socket.destroy());
    if (!what.includes('DATA')) raw.socket.pause();
    if (opening) raw.send(opening);
    const other = connect(`https://127.0.0.1:${address.port}`, { ca, ...readPair(client) });
    t.after(() => other.destroy());
    const before = process.memoryUsage().rss;
    for (let turn = 0, n = 0; turn < 10 && !raw.isOver() && !raw.socket.destroyed; turn++) {
      for (let times = 0; times < 500; times++, n++) raw.send(attack(n));
      assert.equal(statusOf(await callRaw(other, {}, [framed(Buffer.from('hello'))])), 0);
    }
    assert.ok(process.memoryUsage().rss - before < 200 * 1024 * 1024);
    assert.deepEqual(errors, []);
  });
}

const RESOURCE_EXHAUSTED = 8;

test('a head of more than 16 KiB is refused, also by whoever has not heard of that limit', async (t) => {
  const { address } = await startListener(t, { methods });
  const session = openSession(address.port, t);
  const long = { 'x-a': 'y'.repeat(17 * 1024) };
  assert.equal(statusOf(await callRaw(session, long)), RESOURCE_EXHAUSTED);
  await new Promise((resolve) => session.ping(resolve));
  const { rstCode } = await callRaw(session, long);
  assert.equal(rstCode, constants.NGHTTP2_ENHANCE_YOUR_CALM);
  assert.equal(statusOf(await callRaw(session, { 'x-a': 'y'.repeat(15 * 1024) })), 0);
});

test('calls that wait hold so much in all, whatever their connections; those that are refused are answered, and room comes back', async (t) => {
  const { address } = await startListener(t, { methods });
  const attackers = Array.from({ length: 20 }, () => openSession(address.port, t));
  const long = Object.fromEntries(Array.from({ length: 15 }, (_, n) => [`x-${n}`, 'y'.repeat(1_000)]));
  const before = process.memoryUsage().rss;
  let refused = 0;
  const calls = attackers.flatMap((session) =>
    Array.from({ length: 250 }, async () => {
      if (statusOf(await callRaw(session, long, [undefined])) === RESOURCE_EXHAUSTED) refused++;
    }),
  );
  await until('some are refused', () => refused > 1_000);
  assert.ok(process.memoryUsage().rss - before < 400 * 1024 * 1024);
  for (const session of attackers) session.destroy();
  await Promise.all(calls);
  const other = openSession(address.port, t);
  await until('there is room', async () => statusOf(await callRaw(other, {})) === 0);
});
