/** Requests that no client would send, on raw sockets, on their way to a target: 400 and the end, or one request and no other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RecordingTarget } from '../peers/recording-target.ts';
import { parseAnswers, sendRaw } from '../servers/raw-http.ts';

const smuggled = 'GET /ext/keyed/smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
const last = 'GET /ext/keyed/last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

const post = (lines: string, body = '') => `POST /ext/keyed/first HTTP/1.1\r\nHost: a\r\n${lines}\r\n${body}`;
const chunked = (body: string) => post('Transfer-Encoding: chunked\r\n', body);

/** Statuses of the answers, and what reached the target: method, path and body. */
type Row = readonly [title: string, bytes: string, statuses: string, reached: string];

export type Passing = Readonly<{
  /** Whoever passes `/ext/keyed/…` on as `/…`, for everybody. */
  port: number;
  target: RecordingTarget;
  /** What is answered where a target can be read in several ways. */
  unroutable: number;
  log(): readonly Record<string, unknown>[];
}>;

/** Holds whoever passes requests on to it. */
export const testSmuggling = ({ port, target, unroutable, log }: Passing): void => {
  // biome-ignore format: a table is read by its columns
  const rows: readonly Row[] = [
  ['a body by its length', post('Content-Length: 5\r\n', 'hello'), '200 200', 'POST /first hello | GET /last '],
  ['a body in chunks', chunked('5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n'), '200 200', 'POST /first hello! | GET /last '],
  ['a body that looks like a request', post(`Content-Length: ${smuggled.length}\r\n`, smuggled), '200 200', `POST /first ${smuggled} | GET /last `],
  ['a chunk that looks like a request', chunked(`${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`), '200 200', `POST /first ${smuggled} | GET /last `],
  ['a chunk with an extension', chunked('5;a=b\r\nhello\r\n0\r\n\r\n'), '200 200', 'POST /first hello | GET /last '],
  ['a body of a GET', 'GET /ext/keyed/first HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello', '200 200', 'GET /first hello | GET /last '],
  ['a body of a GET in chunks', 'GET /ext/keyed/first HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n', '200 200', 'GET /first hello | GET /last '],
  ['a body of a DELETE', 'DELETE /ext/keyed/first HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello', '200 200', 'DELETE /first hello | GET /last '],
  ['an empty body', post('Content-Length: 0\r\n'), '200 200', 'POST /first  | GET /last '],
  ['no body in chunks', chunked('0\r\n\r\n'), '200 200', 'POST /first  | GET /last '],
  ['a POST without a length', post(''), '200 200', 'POST /first  | GET /last '],
  ['trailers', chunked('5\r\nhello\r\n0\r\nAuthorization: Bearer mine\r\n\r\n'), '200 200', 'POST /first hello | GET /last '],
  ['Content-Length, then Transfer-Encoding', post('Content-Length: 4\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n') + smuggled, '400', ''],
  ['Transfer-Encoding, then Content-Length', post('Transfer-Encoding: chunked\r\nContent-Length: 4\r\n', '0\r\n\r\n') + smuggled, '400', ''],
  ['two unlike lengths', post('Content-Length: 0\r\nContent-Length: 44\r\n') + smuggled, '400', ''],
  ['two like lengths', post('Content-Length: 0\r\nContent-Length: 0\r\n') + smuggled, '400', ''],
  ...['0, 44', '+0', '-1', '0x0', '0 0', '1e1', '', '99999999999999999999'].map((length): Row => [`Content-Length: ${length}`, post(`Content-Length: ${length}\r\n`) + smuggled, '400', '']),
  ...['xchunked', 'identity', '"chunked"'].map((coding): Row => [`Transfer-Encoding: ${coding}`, post(`Transfer-Encoding: ${coding}\r\n`, '0\r\n\r\n') + smuggled, '400 400', '']),
  ...['gzip, chunked', 'chunked, identity', 'identity, chunked', '\u000bchunked', 'chunked\u0000', 'chunked, chunked'].map((coding): Row => [`Transfer-Encoding: ${JSON.stringify(coding)}`, post(`Transfer-Encoding: ${coding}\r\n`, '0\r\n\r\n') + smuggled, '400', '']),
  ['two Transfer-Encoding', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n') + smuggled, '400', ''],
  ['a space before the colon', post('Transfer-Encoding : chunked\r\n', '0\r\n\r\n') + smuggled, '400', ''],
  ['a folded header', post('X-A: a\r\n Content-Length: 44\r\n') + smuggled, '400', ''],
  ['a header folded by a tab', post('X-A: a\r\n\tb\r\n') + smuggled, '400', ''],
  ['lines that end in LF alone', post('X-A: a\r\n').replaceAll('\r\n', '\n') + smuggled, '400', ''],
  ['one line that ends in LF alone', post('X-A: a\nTransfer-Encoding: chunked\r\n') + smuggled, '400', ''],
  ['a CR inside of a header', post('X-A: a\rTransfer-Encoding: chunked\r\n') + smuggled, '400', ''],
  ['a NUL inside of a header', post('X-A: a\u0000b\r\n') + smuggled, '400', ''],
  ['an absolute target', 'GET http://a/ext/keyed/first HTTP/1.1\r\nHost: a\r\n\r\n', `${unroutable} 200`, 'GET /last '],
  ['a target of another authority', 'GET //evil.example.com/ext/keyed/first HTTP/1.1\r\nHost: a\r\n\r\n', `${unroutable} 200`, 'GET /last '],
  ['two Hosts', 'GET /ext/keyed/first HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', '400 200', 'GET /last '],
  ['CONNECT', 'CONNECT /ext/keyed/first HTTP/1.1\r\nHost: a\r\n\r\n', '', ''],
  ['HTTP/1.0', 'GET /ext/keyed/first HTTP/1.0\r\nHost: a\r\n\r\n', '200', 'GET /first '],
  ['an upgrade to HTTP/2 is not taken', 'GET /ext/keyed/first HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n\r\n', '200', 'GET /first '],
  ['a WebSocket', 'GET /ext/keyed/first HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n', '403', ''],
  ['an expected 100', post('Expect: 100-continue\r\nContent-Length: 5\r\n', 'hello'), '100 200 200', 'POST /first hello | GET /last '],
  ['an unknown expectation', post('Expect: 200-ok\r\nContent-Length: 5\r\n', 'hello'), '417 200', 'GET /last '],
];

  for (const [title, bytes, statuses, reached] of rows)
    test(title, async () => {
      const before = target.calls.length;
      const { text, ended } = await sendRaw(bytes + last, { port });
      const answers = parseAnswers(text).map(({ status }) => status);
      assert.equal(answers.join(' '), statuses, text.slice(0, 300));
      assert.equal(ended, 'closed');
      const calls = target.calls.slice(before).map(({ method, url, body }) => `${method} ${url} ${body}`);
      // Two requests on one connection are under way at once: only their answers have an order.
      assert.equal(calls.toSorted().join(' | '), reached.split(' | ').toSorted().join(' | '));
    });

  /** What is wrong is found after the head has left: the target gets a call that breaks off, and never a second one. */
  // biome-ignore format: a table is read by its columns
  const broken: readonly (readonly [title: string, body: string])[] = [
  ...['0x5', '-5', '5 ', ' 5', 'FFFFFFFFFFFFFFFFF', '', '5;\n', '5\n'].map((size) => [`a chunk size of ${JSON.stringify(size)}`, `${size}\r\nhello\r\n0\r\n\r\n`] as const),
  ['a chunk that is longer than it says', '3\r\nhello\r\n0\r\n\r\n'],
  ['a chunk that does not end', '5\r\nhello0\r\n\r\n'],
  ['a bare LF after a chunk', '5\r\nhello\n0\r\n\r\n'],
];

  for (const [title, body] of broken)
    test(`${title} ends the call`, async () => {
      const before = target.calls.length;
      const { text, ended } = await sendRaw(chunked(body) + smuggled, { port });
      assert.equal(ended, 'closed');
      assert.deepEqual(
        parseAnswers(text).map(({ status }) => status),
        [400],
      );
      assert.deepEqual(target.calls.slice(before), [], 'no whole call, and none that was smuggled');
    });

  // biome-ignore format: a table is read by its columns
  const answers: readonly (readonly [title: string, bytes: string, code: string])[] = [
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 40\r\n\r\nok', 'target_malformed'],
  ['a length and chunks', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 'target_malformed'],
  ['a folded header', 'HTTP/1.1 200 OK\r\nX-A: a\r\n b\r\nContent-Length: 2\r\n\r\nok', 'target_malformed'],
  ['a NUL in a header', 'HTTP/1.1 200 OK\r\nX-A: a\u0000\r\nContent-Length: 2\r\n\r\nok', 'target_malformed'],
  ['a bare CR in a header', 'HTTP/1.1 200 OK\r\nX-A: a\rb\r\nContent-Length: 2\r\n\r\nok', 'target_malformed'],
  ['no HTTP', 'SSH-2.0-OpenSSH\r\n', 'target_malformed'],
  ['an upgrade nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: a\r\nConnection: upgrade\r\n\r\n', 'target_malformed'],
  ['huge headers', `HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(100_000)}\r\nContent-Length: 2\r\n\r\nok`, 'target_malformed'],
  ['nothing', '', 'target_reset'],
  ['half a head', 'HTTP/1.1 200 OK\r\nContent-', 'target_reset'],
];

  for (const [title, bytes, code] of answers)
    test(`an answer with ${title} is none: ${code}`, async () => {
      target.behave(({ socket }) => void socket.end(bytes, 'latin1'), { raw: true });
      const { text } = await sendRaw(last, { port });
      target.behave();
      const [answer, ...others] = parseAnswers(text);
      assert.deepEqual([answer?.status, JSON.parse(answer?.body ?? '{}').code, others.length], [502, code, 0]);
    });

  test('what a target sends after its answer reaches nobody', async () => {
    const second = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond';
    target.behave(({ socket }) => void socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst${second}`), {
      raw: true,
    });
    const { text } = await sendRaw(last, { port });
    target.behave();
    assert.deepEqual(
      parseAnswers(text).map(({ body }) => body),
      ['first'],
    );
    const next = await sendRaw(last, { port });
    assert.deepEqual(
      parseAnswers(next.text).map(({ body }) => body),
      ['ok'],
    );
  });

  test('nothing of all this was an error of ours', () => {
    assert.deepEqual(
      log().filter(({ event }) => event === 'error'),
      [],
    );
  });
};
