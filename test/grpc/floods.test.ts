/** Frames without end on the gRPC listener: bounded, and others are answered meanwhile. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { after, test } from 'node:test';
import { createAuthority, readPair } from '../servers/certificates.ts';
import { block, type Field, flags, frame, openHttp2 } from '../servers/http2-frames.ts';
import { callRaw, framed, startListener, statusOf } from './wire.ts';

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
