/** Bodies and long headers come through every proxy whole, or are refused by somebody who says so. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, test } from 'node:test';
import { listen } from '../peers/loopback.ts';
import { answered, parseAnswers, sendRaw } from '../servers/raw-http.ts';
import { request } from '../servers/request.ts';
import { openHouse, prices } from './house.ts';
import { lineUp } from './line-up.ts';

const house = await openHouse({ after });
const { key } = await house.gate.createKey();

const digest = (text: string | Buffer) => createHash('sha256').update(text).digest('hex');

/** An application that answers with the digest of what it got, and with the credential that it was shown. */
const app = await listen(
  ({ body, header }) => ({ status: 200, headers: { 'x-digest': digest(body) }, body: header('authorization') ?? '' }),
  { after },
);
const ports = { ...house.ports, '127.0.0.1:3000': app.port };

/** It takes two seconds to make, and has credit for every proxy. */
const longToken = await house.payer.token(400, { coins: Array<number>(100).fill(4) });
assert.ok(longToken.length > 15_000 && 400 / prices.premium > lineUp.length);

const bytes = (count: number) =>
  Array.from({ length: count }, (_, at) => String.fromCharCode((at * 31) % 128)).join('');
const letters = (count: number) => 'aB3-_.~+/'.repeat(count / 9 + 1).slice(0, count);

for (const proxy of lineUp) {
  test(proxy.name, { skip: proxy.skip }, async (t) => {
    const front = await proxy.start(ports, t);

    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      for (const length of [1, 5_000, 300_000]) {
        await t.test(`${method} of ${length} bytes`, async () => {
          const body = bytes(length);
          const answer = await request(front.url, '/orders/1', { method, body, headers: { 'X-API-Key': key } });
          assert.deepEqual([answer.status, answer.headers['x-digest']], [200, digest(body)]);
        });
      }
    }

    await t.test('a body in chunks, after "Expect: 100-continue"', async () => {
      const head = `POST /orders/1 HTTP/1.1\r\nHost: 127.0.0.1:${front.port}\r\nX-API-Key: ${key}\r\n`;
      const sent = await sendRaw(
        [
          `${head}Transfer-Encoding: chunked\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n`,
          '5\r\nhello\r\n0\r\n\r\n',
        ],
        { port: front.port, until: (text) => parseAnswers(text).some(({ status }) => status !== 100) },
      );
      const final = parseAnswers(sent.text).find(({ status }) => status !== 100);
      assert.equal(final?.status, 200);
      assert.equal(final.headers.find(([name]) => name.toLowerCase() === 'x-digest')?.[1], digest('hello'));
    });

    await t.test('a refused request with a body leaves the connection in order', async () => {
      const refused = `POST /orders/1 HTTP/1.1\r\nHost: 127.0.0.1:${front.port}\r\nContent-Length: 5000\r\n\r\n${letters(5_000)}`;
      const next = `GET /free/1 HTTP/1.1\r\nHost: 127.0.0.1:${front.port}\r\nConnection: close\r\n\r\n`;
      const { text } = await sendRaw([refused, next], { port: front.port, until: answered(2), deadlineMs: 2_000 });
      const [first, second, ...more] = parseAnswers(text).map(({ status }) => status);
      assert.equal(first, 401);
      assert.ok(second === 200 || second === undefined, `${second}`); // a proxy may also close
      assert.deepEqual(more, []);
    });

    for (const length of [20_000, 40_000]) {
      await t.test(`the application's own credential of ${length} characters`, async () => {
        const headers = { Authorization: `Bearer ${letters(length)}` };
        const answer = await request(front.url, '/free/1', { headers });
        assert.equal(answer.status, 200);
        assert.equal(answer.body, headers.Authorization);
      });

      await t.test(`a refused token of ${length} characters`, async () => {
        const answer = await request(front.url, '/premium/1', { headers: { 'X-Cashu': `cashuB${letters(length)}` } });
        assert.equal(answer.status, 400);
      });
    }

    await t.test(`a token of 100 coins, ${longToken.length} characters, used again and again`, async () => {
      const answer = await request(front.url, '/premium/1', { headers: { 'X-Cashu': longToken } });
      assert.equal(answer.status, 200, answer.body);
    });

    await t.test('more headers than Sallyport takes are refused as the fault of the client', async () => {
      for (const length of [57_000, 70_000]) {
        const { status } = await request(front.url, '/free/1', { headers: { 'X-Long': letters(length) } });
        assert.ok((status >= 400 && status < 500) || (status === 200 && length < 60_000), `${length}: ${status}`);
      }
    });
  });
}
