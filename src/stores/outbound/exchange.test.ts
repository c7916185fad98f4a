import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { cutShort, droppedBefore, hold, hugeBody, redirected, withFaults } from '../../../test/peers/faults.ts';
import { json, listen } from '../../../test/peers/loopback.ts';
import { createAuthority, readPair } from '../../../test/servers/certificates.ts';
import { until } from '../../../test/servers/until.ts';
import type { Resolve } from './address-guard.ts';
import { createOutbound } from './exchange.ts';

type Owner = { after(cleanUp: () => Promise<void>): void };

const start = async (owner: Owner, resolve?: Resolve) => {
  const { respond, faults } = withFaults(({ method, url, body, rawHeaders }) =>
    json(200, { method, url, body: body.toString(), rawHeaders }),
  );
  const server = await listen(respond, owner);
  const outbound = createOutbound(resolve);
  owner.after(async () => outbound.close());
  const get = (url: string, rest: { timeoutMs?: number; signal?: AbortSignal } = {}) =>
    outbound.exchange({ url: new URL(url), timeoutMs: 5_000, maxBytes: 10_000, ...rest });
  return { server, faults, outbound, get };
};

test('an answer comes with its status and text', async (t) => {
  const { server, outbound } = await start(t);
  const url = new URL(`${server.url}/a?b=c`);
  const answer = await outbound.exchange({ url, method: 'POST', body: '{"ü":1}', timeoutMs: 5_000, maxBytes: 10_000 });
  assert.equal(answer.status, 200);
  const asked = JSON.parse(answer.body);
  assert.deepEqual([asked.method, asked.url, asked.body], ['POST', '/a?b=c', '{"ü":1}']);
});

test('a redirect is an answer and is not followed, wherever it leads', async (t) => {
  const { server, faults, get } = await start(t);
  for (const [location, status] of [
    ['http://169.254.169.254/latest/meta-data/', 302],
    [`${server.url}/other`, 301],
    [undefined, 307],
    ['/other', 308],
  ] as const) {
    faults.set('/', redirected(location, status), { times: 1 });
    assert.equal((await get(server.url)).status, status);
  }
  assert.equal(faults.seen('/other'), 0);
});

test('an answer without end is given up at its size', async (t) => {
  const { server, faults, get } = await start(t);
  faults.set('/', hugeBody());
  await assert.rejects(get(server.url), /larger than 10000 bytes/);
});

for (const [what, fault] of [
  ['never begins', hold('before').fault],
  [
    'never ends',
    () => ({
      status: 200,
      headers: { 'content-length': '1000' },
      body: 'x',
    }),
  ],
] as const) {
  test(`an answer that ${what} is given up at its deadline`, async (t) => {
    const { server, faults, get } = await start(t);
    faults.set('/', fault);
    const startedAt = performance.now();
    await assert.rejects(get(server.url, { timeoutMs: 200 }), /aborted|timeout/i);
    assert.ok(performance.now() - startedAt < 2_000);
  });
}

test('an answer that drips is given up at its deadline, however often a byte of it comes', async (t) => {
  let dripped = 0;
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-length': '1000000' });
    const drip = setInterval(() => {
      response.write('x');
      dripped += 1;
    }, 5);
    response.on('close', () => clearInterval(drip));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const outbound = createOutbound();
  t.after(outbound.close);
  const { port } = server.address() as AddressInfo;
  const url = new URL(`http://127.0.0.1:${port}/`);
  const startedAt = performance.now();
  await assert.rejects(outbound.exchange({ url, timeoutMs: 200, maxBytes: 1_000_000 }), /timeout/);
  assert.ok(performance.now() - startedAt < 2_000);
  assert.ok(dripped > 1, `${dripped} bytes came`);
});

test('an exchange that was given up before it began sends nothing', async (t) => {
  const { server, faults, get } = await start(t);
  await assert.rejects(get(server.url, { signal: AbortSignal.abort() }), /aborted/i);
  assert.equal(faults.seen('/'), 0);
});

test('an exchange that nobody waits for any longer ends at once', async (t) => {
  const { server, faults, get } = await start(t);
  const { fault, waiting } = hold('before');
  faults.set('/', fault);
  const controller = new AbortController();
  const asked = get(server.url, { signal: controller.signal });
  asked.catch(() => undefined);
  await until('the server was asked', () => waiting() === 1);
  controller.abort();
  await assert.rejects(asked, /aborted/i);
});

test('a connection that is cut or refused is an error', async (t) => {
  const { server, faults, get } = await start(t);
  faults.set('/', droppedBefore, { times: 1 });
  await assert.rejects(get(server.url));
  faults.set('/', cutShort, { times: 1 });
  await assert.rejects(get(server.url));
  await server.outage();
  await assert.rejects(get(server.url), /ECONNREFUSED/);
});

test('a forbidden address is refused in every spelling before anything is sent', async (t) => {
  const { get } = await start(t);
  for (const host of [
    '169.254.169.254',
    '2852039166',
    '0xA9FEA9FE',
    '[::ffff:169.254.169.254]',
    '[::ffff:a9fe:a9fe]',
    '[fe80::1]',
    '0.0.0.0',
    '[64:ff9b::a9fe:a9fe]',
    '[fd00:ec2::254]',
  ]) {
    await assert.rejects(get(`http://${host}/latest/meta-data/`), { name: 'ForbiddenAddress' }, host);
    await assert.rejects(get(`https://${host}/`), { name: 'ForbiddenAddress' }, host);
  }
});

test('a name that leads elsewhere the second time is refused then', async (t) => {
  const answers: LookupAddress[][] = [
    [{ address: '127.0.0.1', family: 4 }],
    [{ address: '169.254.169.254', family: 4 }],
  ];
  const { server, get } = await start(t, (_name, _options, answer) => answer(null, answers.shift() ?? []));
  const url = `http://rebinding.example:${server.port}/`;
  assert.equal((await get(url)).status, 200);
  await server.outage();
  await server.recover();
  await assert.rejects(get(url), { name: 'ForbiddenAddress' });
});

test('what is neither http nor https is an error', async (t) => {
  const { get } = await start(t);
  for (const url of ['file:///etc/passwd', 'ftp://127.0.0.1/', 'data:,x', 'gopher://127.0.0.1/'])
    await assert.rejects(get(url));
});

test('a kept connection that the server closed in the meantime is no failure', async (t) => {
  const { server, get } = await start(t);
  await get(server.url);
  await server.outage();
  await server.recover();
  assert.equal((await get(server.url)).status, 200);
});

test('connections are kept, and closing ends them', async (t) => {
  const outbound = createOutbound();
  let [opened, closed] = [0, 0];
  const server = createServer((_request, response) => response.end('{}'));
  server.on('connection', (socket) => {
    opened++;
    socket.once('close', () => closed++);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const ask = () => outbound.exchange({ url: new URL(`http://127.0.0.1:${port}/`), timeoutMs: 5_000, maxBytes: 100 });
  await ask();
  await ask();
  assert.deepEqual([opened, closed], [1, 0]);
  outbound.close();
  await until('the connection is closed', () => closed === 1);
});

test('with an authority of its own it believes that one, and without it does not', async (t) => {
  const owner = { after: (end: () => Promise<void>) => t.after(end) };
  const authority = createAuthority(owner);
  const server = createSecureServer(readPair(authority.issue('server')), (_, response) => response.end('{}'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  t.after(() => server.close());
  const ask = async (ca?: string): Promise<number> => {
    const outbound = createOutbound(undefined, undefined, ca);
    try {
      const url = new URL(`https://127.0.0.1:${port}/`);
      return (await outbound.exchange({ url, timeoutMs: 5_000, maxBytes: 100 })).status;
    } finally {
      outbound.close();
    }
  };
  assert.equal(await ask(readFileSync(authority.ca, 'utf8')), 200);
  await assert.rejects(ask(), /unable to verify|self-signed/);
});
