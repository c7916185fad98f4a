/** What is decided is what the application gets: odd paths, targets and hosts, sent raw through every proxy. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type Echo, valuesOf } from '../peers/echo-app.ts';
import { answered, parseAnswers, sendRaw } from '../servers/raw-http.ts';
import { openHouse } from './house.ts';
import { type Front, lineUp } from './line-up.ts';
import { readings } from './readings.ts';

const house = await openHouse({ after });

/** Whether anybody may have a path, in some reading of it: the rules of the house, for callers without a credential. */
const isFree = (path: string): boolean => path === '/free' || path.startsWith('/free/');

// biome-ignore format: a table is read by its columns
const oddPaths = [
  // dot segments
  '/free/../orders/1', '/free/x/../../orders/1', '/free/./../orders/1', '/./orders/1', '/free/..', '/free/../', '/../free/../orders/1', '/free/.../orders/1',
  // escaped dots and slashes, once and twice
  '/free/%2e%2e/orders/1', '/free/%2E%2E/orders/1', '/free/.%2e/orders/1', '/free/%2e./orders/1', '/free/..%2forders/1', '/free/..%2Forders/1', '/free%2f..%2forders%2f1',
  '/free/%2e%2e%2forders/1', '/free/%252e%252e/orders/1', '/free/%252e%252e%252forders%252f1', '/free/..%252forders/1', '/free/%25252e%25252e/orders/1', '/free%2f1', '/orders%2f1',
  // backslashes
  '/free\\..\\orders\\1', '/free/..\\orders/1', '/free/\\../orders/1', '/free/..%5corders/1', '/free/..%5Corders/1', '/free/%5c../orders/1', '/free/..%255corders/1', '\\orders\\1', '/\\orders/1',
  // empty segments
  '//orders/1', '///orders/1', '/free//../orders/1', '/free//..//orders/1', '//free/../orders/1', '/free/..//orders/1', '//free/1', '/free//1', '/%2forders/1', '/%2f%2forders/1',
  // path parameters
  '/free/..;/orders/1', '/free/..;a=b/orders/1', '/free;/../orders/1', '/free/;/../orders/1', '/free/..%3b/orders/1', '/free/..%3B/orders/1', '/free;x/1', '/orders;x/1', '/orders/1;/free', '/;/orders/1', '/free/.;/../orders/1',
  // NUL and other controls
  '/free/%00/../orders/1', '/free/..%00/orders/1', '/orders/1%00/free', '/free%00/orders/1', '/free/\x00/../orders/1', '/free/..\x00/orders/1', '/orders/1\x00/free/1', '/free/\t../orders/1', '/free/.\t./orders/1', '/free/%09../orders/1',
  '/free/%0a../orders/1', '/free/%0d%0a../orders/1', '/free/\x0b../orders/1', '/free/\x7f/../orders/1', '/free/ /../orders/1', '/free/.. /orders/1', '/free/%20/../orders/1',
  // fragments and question marks
  '/orders/1#/free/1', '/orders/1#/../../free/1', '/orders/1#?/free/1', '/orders/1%23/free/1', '/free/1#/../../orders/1', '/orders/1?/free/1', '/orders/1?/../../free/1', '/orders/1%3f/free/1', '/orders/1%3F/../free/1', '/free/..?/orders/1', '/?/free/1', '?/free/1', '#/free/1',
  '/orders/1?rule=free', '/orders/1?rule=free&rule=free', '/orders/1?x&rule=free', '/rule/free/orders/1', '/orders/1?rule%3dfree',
  // other spellings of a guarded path
  '/%6frders/1', '/%6Frders/1', '/o%72ders/%31', '/ORDERS/1', '/Orders/1', '/orders', '/orders/', '/orders/1/', '/orders/1.', '/orders/1%20', '/orders./1', '/orders/./1', '/orders/x/../1', '/%u006frders/1',
  // overlong, broken and raw UTF-8
  '/free/%c0%ae%c0%ae/orders/1', '/free/..%c0%aforders/1', '/free/%e0%80%ae%e0%80%ae/orders/1', '/free/\xc0\xae\xc0\xae/orders/1', '/free/%ff/../orders/1', '/free/%zz/../orders/1', '/free/%', '/free/%2', '/free/%u002e%u002e/orders/1', '/free/\xc3\xbc/../orders/1', '/free/\xff',
  // other forms of a target
  'http://127.0.0.1/orders/1', 'HTTP://127.0.0.1/orders/1', 'http://127.0.0.1/free/../orders/1', 'http://free/orders/1', 'http://127.0.0.1/free/1/../../orders/1', 'http:///orders/1', 'http:/orders/1', 'https://127.0.0.1/orders/1', 'ftp://127.0.0.1/orders/1', 'http://user@127.0.0.1/orders/1',
  'http://127.0.0.1\\@x/orders/1', 'http://127.0.0.1?/free/1', 'http://127.0.0.1', 'http://127.0.0.1#/orders/1', 'orders/1', 'free/1', 'free/../orders/1', '*', '127.0.0.1:80', '@127.0.0.1/orders/1', '.', '..', '',
];

/** Sends it without a credential, and gives what reached the application. */
async function send(front: Front, target: string, { method = 'GET', lines = [`Host: 127.0.0.1:${front.port}`] } = {}) {
  const seen = house.app.seen();
  const text = `${method} ${target} HTTP/1.1\r\n${lines.map((line) => `${line}\r\n`).join('')}Connection: close\r\n\r\n`;
  const exchange = await sendRaw(text, { port: front.port, deadlineMs: 2_000, until: answered() });
  const echo = house.app.seen() > seen ? house.app.latest() : undefined;
  return { echo, status: parseAnswers(exchange.text)[0]?.status };
}

const harmless = [
  '/free',
  '/free/',
  '/free/a%20b',
  '/free/%C3%BC',
  '/free/a..b/.well-known/...',
  '/free/~x/$(y)/a+b,c@d:e=f&g!*',
  '/free/1?x=/../orders/1&y=%2e%2e&z=a//b',
  '/free/1?',
];

/** The hosts that an application could take a request to be for. */
const hostsOf = (echo: Echo): string[] => {
  const named = ['host', 'x-forwarded-host', 'x-original-host', 'x-forwarded-server'].flatMap((name) =>
    valuesOf(echo, name),
  );
  const absolute = /^[a-z]+:\/\/([^/?#]*)/i.exec(echo.url)?.[1];
  return [...named, ...(absolute === undefined ? [] : [absolute])].map((host) =>
    host.toLowerCase().replace(/:\d+$/, '').replace(/\.$/, ''),
  );
};

// biome-ignore format: a table is read by its columns
const oddHosts: readonly (readonly [target: string, ...lines: string[]])[] = [
  ['/1', 'Host: closed.example.com'], ['/1', 'Host: CLOSED.Example.COM'], ['/1', 'Host: closed.example.com.'], ['/1', 'Host: closed.example.com:80'], ['/1', 'Host: closed.example.com.:443'], ['/1', 'Host:\tclosed.example.com \t'],
  ['/1', 'Host: open.example.com', 'Host: closed.example.com'], ['/1', 'Host: closed.example.com', 'Host: open.example.com'], ['/1', 'Host: open.example.com, closed.example.com'], ['/1', 'Host: closed.example.com, open.example.com'],
  ['/1', 'Host: open.example.com', 'X-Forwarded-Host: closed.example.com'], ['/1', 'Host: closed.example.com', 'X-Forwarded-Host: open.example.com'], ['/1', 'Host: closed.example.com', 'X-Original-URL: http://open.example.com/1'], ['/1', 'Host: closed.example.com', 'Forwarded: host=open.example.com'],
  ['http://closed.example.com/1', 'Host: open.example.com'], ['http://open.example.com/1', 'Host: closed.example.com'], ['http://CLOSED.example.com:80/1', 'Host: open.example.com'], ['http://closed.example.com./1', 'Host: open.example.com'], ['https://closed.example.com/1', 'Host: open.example.com'], ['http://closed.example.com/1'],
  ['http://open.example.com@closed.example.com/1', 'Host: open.example.com'], ['http://closed.example.com@open.example.com/1', 'Host: closed.example.com'], ['//closed.example.com/1', 'Host: open.example.com'],
  ['/1', 'Host: closed.example.com/open.example.com'], ['/1', 'Host: open.example.com/../closed.example.com'], ['/1', 'Host: open.example.com#closed.example.com'], ['/1', 'Host: open.example.com@closed.example.com'], ['/1', 'Host: closed.example.com\\open.example.com'], ['/1', 'Host: closed.example.com:80@open.example.com'], ['/1', 'Host : closed.example.com', 'Host: open.example.com'],
  ['/1', 'Host: '], ['/1'], ['/1', 'Host: closed%2eexample.com'], ['/1', 'Host: [closed.example.com]'],
];

for (const proxy of lineUp) {
  test(proxy.name, { skip: proxy.skip }, async (t) => {
    const front = await proxy.start(house.ports, t);

    for (const path of oddPaths) {
      await t.test(`${JSON.stringify(path)} reaches nothing that is guarded`, async () => {
        for (const method of ['GET', 'OPTIONS']) {
          const { echo } = await send(front, path, { method });
          const guarded = echo ? [...readings(echo.url)].filter((reading) => !isFree(reading)) : [];
          assert.deepEqual(guarded, [], `the application got ${echo?.url}`);
        }
      });
    }

    for (const path of harmless) {
      await t.test(`${path} is let through as it is`, async () => {
        const { echo, status } = await send(front, path);
        assert.deepEqual([status, echo?.url], [200, path]);
      });
    }

    for (const [target, ...lines] of oddHosts) {
      await t.test(`${JSON.stringify([target, ...lines])} does not reach the closed host`, async () => {
        const { echo } = await send(front, target, { lines });
        const closed = echo ? hostsOf(echo).filter((host) => host.includes('closed.example.com')) : [];
        assert.deepEqual(closed, []);
      });
    }

    await t.test('the open host is open, however it is spelled', async () => {
      for (const host of ['open.example.com', 'OPEN.example.com', `open.example.com:${front.port}`]) {
        assert.equal((await send(front, '/1', { lines: [`Host: ${host}`] })).status, 200, host);
      }
    });
  });
}
