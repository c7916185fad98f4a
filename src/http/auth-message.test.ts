import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { answered, sendRaw } from '../../test/servers/raw-http.ts';
import { AuthMessage } from './auth-message.ts';

const seen = new Map<string, unknown>();

const start = async (Message: typeof IncomingMessage): Promise<number> => {
  const server = createServer(
    { IncomingMessage: Message, joinDuplicateHeaders: true },
    ({ url = '', headers }, response) => {
      seen.set(url, { ...headers });
      response.end();
    },
  );
  after(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
};

const ours = await start(AuthMessage);
const nodes = await start(IncomingMessage);

let requests = 0;

/** What a server of Node's makes of the header lines. */
const read = async (port: number, lines: readonly string[]): Promise<unknown> => {
  const url = `/${++requests}`;
  const head = [`GET ${url} HTTP/1.1`, 'Host: a', 'Connection: close', ...lines].join('\r\n');
  await sendRaw(`${head}\r\n\r\n`, { port, until: answered() });
  return seen.get(url);
};

const name = fc.oneof(
  fc.constantFrom('Authorization', 'authorization', 'X-Cashu', 'x-CASHU', 'Cookie', 'cookie', 'User-Agent', 'Accept'),
  fc.constantFrom('X-Forwarded-For', 'X_User_ID', 'constructor', '__proto__', 'toString', 'Referer', 'Via', 'Expires'),
  fc.stringMatching(/^X-[A-Za-z0-9_-]{1,80}$/),
);
const value = fc.stringMatching(/^[!-~\u0080-\u00ff]([ -~\u0080-\u00ff]{0,20}[!-~])?$/);

test('headers are what node:http makes of them, line by line', async () => {
  const line = fc.tuple(name, value).map(([left, right]) => `${left}: ${right}`);
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 12 }), async (lines) => {
      assert.deepEqual(await read(ours, lines), await read(nodes, lines));
    }),
    { numRuns: 300 },
  );
});

test('two lines of a header are seen as two, whichever it is', async () => {
  for (const twice of ['Authorization', 'X-Cashu', 'X-API-Key', 'X-Original-URL', 'User-Agent', 'Content-Type']) {
    const headers = (await read(ours, [`${twice}: a`, `${twice.toUpperCase()}: b`])) as Record<string, string>;
    assert.equal(headers[twice.toLowerCase()], 'a, b');
  }
});

test('names without end do not fill the memory, and are still read', async () => {
  for (let wave = 0; wave < 6; wave++) {
    const lines = Array.from({ length: 250 }, (_, n) => `X-W${wave}-${n}: v${n}`);
    assert.deepEqual(await read(ours, lines), await read(nodes, lines));
  }
});
