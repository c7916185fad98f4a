/** What a listener answers over HTTP/2 is what it answers over HTTP/1.1. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect, constants, type OutgoingHttpHeaders } from 'node:http2';
import { after, test } from 'node:test';
import { createAuthority, type Pair, readPair } from '../../../test/servers/certificates.ts';
import { block, type Field, flags, frame, frameTypes, openHttp2 } from '../../../test/servers/http2-frames.ts';
import { until } from '../../../test/servers/until.ts';
import { ask, outcomeOf } from '../../../test/tls/ask.ts';
import { type Listener, listen, mayArriveSlowly, type ServerOptions } from '../server.ts';
import { type Certificates, certificateOf } from '../tls.ts';

const authority = createAuthority({ after });
const [own, renewed, client] = ['server', 'renewed', 'client'].map((name) => authority.issue(name)) as [
  Pair,
  Pair,
  Pair,
];
const stranger = createAuthority({ after }, 'stranger').issue('client');
const ca = readFileSync(authority.ca);

type Owner = { after(cleanUp: () => Promise<void> | void): void };

const certificates = (pair: Pair): Certificates => ({ ...readPair(pair), clientCas: [ca], crls: [], endsAt: 0 });

const start = async (owner: Owner, listener: Listener, options: Partial<ServerOptions> = {}) => {
  const listening = await listen(listener, {
    ...{ addr: '127.0.0.1:0', readTimeoutMs: 5_000, maxHeaderBytes: 16_384 },
    tls: { certificates: certificates(own), clientAuth: 'request', http2: true, minVersion: 'TLSv1.2' },
    ...options,
  });
  owner.after(() => listening.close(0));
  return { ...listening, port: listening.address.port };
};

const open = (owner: Owner, port: number, pair: Pair | null = client): ClientHttp2Session => {
  const session = connect(`https://127.0.0.1:${port}`, { ca, ...(pair && readPair(pair)) });
  session.on('error', () => undefined);
  owner.after(() => session.destroy());
  return session;
};

type Told = Readonly<{ status: number; headers: Record<string, unknown>; body: string }>;

/** By which a client's own side gives up what it has not sent. */
const leftUnseen = new Set<number | undefined>([constants.NGHTTP2_REFUSED_STREAM, constants.NGHTTP2_CANCEL]);

const request = async (session: ClientHttp2Session, headers: OutgoingHttpHeaders, body?: string): Promise<Told> => {
  const stream = session.request(headers, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  stream.on('error', () => undefined);
  const closed = new Promise((resolve) => stream.once('close', resolve)).then(() => {
    throw new Error(leftUnseen.has(stream.rstCode) ? 'unseen' : `closed by ${stream.rstCode}`);
  });
  closed.catch(() => undefined);
  const response = new Promise<readonly [OutgoingHttpHeaders & { ':status'?: number | undefined }]>((resolve) =>
    stream.once('response', (given) => resolve([given])),
  );
  const [answered] = await Promise.race([response, closed]);
  const chunks = await stream.toArray();
  if (stream.rstCode !== 0) throw new Error(`reset by ${stream.rstCode}`);
  return { status: answered[':status'] ?? 0, headers: { ...answered }, body: Buffer.concat(chunks).toString() };
};

/** Says what it was asked. */
const echo: Listener = (message, response) => {
  const chunks: Buffer[] = [];
  message.on('data', (chunk: Buffer) => chunks.push(chunk));
  message.on('error', () => undefined);
  message.on('end', () => {
    const { method, url, headers } = message;
    const who = certificateOf(message.socket)?.attributes['CN']?.[0];
    const body = JSON.stringify({ method, url, headers, who, body: Buffer.concat(chunks).toString() });
    response
      .writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) })
      .end(body);
  });
};

test('a request is the same to whoever answers it, with the certificate of its connection and one line of cookies', async (t) => {
  const { port } = await start(t, echo);
  const { status, headers, body } = await request(
    open(t, port),
    { ':method': 'POST', ':path': '/a?b', cookie: ['a=1', 'b=2'], 'x-a': '1', 'content-length': '4' },
    'body',
  );
  const host = `127.0.0.1:${port}`;
  assert.equal(status, 200);
  assert.deepEqual(JSON.parse(body), {
    ...{ method: 'POST', url: '/a?b', who: 'client', body: 'body' },
    headers: { host, cookie: 'a=1; b=2', 'x-a': '1', 'content-length': '4' },
  });
  assert.equal(headers['content-type'], 'application/json');
  assert.equal(typeof headers['date'], 'string');
  assert.equal(JSON.parse((await request(open(t, port, null), {})).body).who, undefined);
});

test('every way of answering works, and says nothing of a connection', async (t) => {
  const { port } = await start(t, (message, response) => {
    const lines = { 'X-A': '1', Connection: 'keep-alive', 'Set-Cookie': ['a=1', 'b=2'] };
    switch (message.url) {
      case '/send':
        return response.send(403, 'X-A: 1\r\nX-B: ü\r\n', 'no');
      case '/answer':
        return void response.sendAnswer(201, ['X-A', '1', 'Date', 'then'], Buffer.from('made'));
      case '/pieces':
        response.writeHead(200, lines);
        response.write('one ');
        return void response.end('two');
      case '/set':
        response.setHeader('X-A', '1');
        response.statusCode = 202;
        return void response.end('set');
      case '/nothing':
        return void response.writeHead(204, ['X-A', '1']).end();
      default:
        return void response.writeHead(200, { 'Content-Length': '5' }).end('whole');
    }
  });
  const session = open(t, port);
  const told = async (path: string, method = 'GET') => {
    const { status, headers, body } = await request(session, { ':path': path, ':method': method });
    assert.equal(headers['connection'], undefined);
    assert.equal(headers['transfer-encoding'], undefined);
    return [status, headers['x-a'], body];
  };
  assert.deepEqual(await told('/send'), [403, '1', 'no']);
  assert.deepEqual(await told('/answer'), [201, '1', 'made']);
  assert.deepEqual(await told('/pieces'), [200, '1', 'one two']);
  assert.deepEqual(await told('/set'), [202, '1', 'set']);
  assert.deepEqual(await told('/nothing'), [204, '1', '']);
  assert.deepEqual(await told('/whole', 'HEAD'), [200, undefined, '']);
  assert.deepEqual((await request(session, { ':path': '/answer' })).headers['date'], 'then');
  assert.deepEqual((await request(session, { ':path': '/pieces' })).headers['set-cookie'], ['a=1', 'b=2']);
});

test('who speaks HTTP/1.1 is answered on the same port, and without http2 nobody is offered anything else', async (t) => {
  const { port } = await start(t, echo);
  assert.equal((await ask({ port, ca: authority.ca, own: client })).status, 200);
  const plain = await start(t, echo, {
    tls: { certificates: certificates(own), clientAuth: 'none', http2: false, minVersion: 'TLSv1.2' },
  });
  assert.equal(await outcomeOf({ port: plain.port, ca: authority.ca, tls: { ALPNProtocols: ['h2'] } }), 'refused');
});

test('a certificate that cannot be verified gets no stream', async (t) => {
  const { port } = await start(t, echo);
  await assert.rejects(request(open(t, port, stranger), { ':path': '/' }));
});

test('a large answer waits for whoever reads slowly, and is whole', async (t) => {
  const size = 8 * 1024 * 1024;
  let waited = 0;
  const { port } = await start(t, (_message, response) => {
    response.writeHead(200, { 'Content-Length': String(size) });
    let left = size;
    const more = (): void => {
      while (left > 0) {
        left -= 65_536;
        if (!response.write(Buffer.alloc(65_536)) && left > 0) {
          waited += 1;
          response.once('drain', more);
          return;
        }
      }
      response.end();
    };
    more();
  });
  const { body } = await request(open(t, port), { ':path': '/' });
  assert.equal(body.length, size);
  assert.ok(waited > 10, `${waited}`);
});

test('an answer that is given up in its middle does not look whole', async (t) => {
  const { port } = await start(t, (_message, response) => {
    response.writeHead(200, {});
    response.write('half', () => response.destroy());
  });
  await assert.rejects(request(open(t, port), { ':path': '/' }), /reset|code/i);
});

test('whoever answers hears of a client that leaves, and the others on its connection are answered', async (t) => {
  let closed = 0;
  let arrived = 0;
  const { port } = await start(t, (message, response) => {
    arrived += 1;
    if (message.url === '/other') return void response.end('other');
    response.once('close', () => {
      closed += 1;
    });
  });
  const session = open(t, port);
  const stream = session.request({ ':path': '/' });
  stream.on('error', () => undefined);
  await until('it is here', () => arrived === 1);
  stream.close(constants.NGHTTP2_CANCEL);
  await until('it is heard of', () => closed === 1);
  assert.equal((await request(session, { ':path': '/other' })).body, 'other');
});

test('a body that does not come is given up, one that may take its time is not, and its connection goes on', async (t) => {
  const { port } = await start(
    t,
    (message, response) => {
      if (message.url === '/slow') mayArriveSlowly(message);
      echo(message, response);
    },
    { readTimeoutMs: 200 },
  );
  const session = open(t, port);
  const slow = session.request({ ':path': '/slow', ':method': 'POST' });
  slow.write('be');
  const stuck = session.request({ ':path': '/stuck', ':method': 'POST' });
  stuck.on('error', () => undefined).write('x');
  await once(stuck, 'close');
  assert.notEqual(stuck.rstCode, 0);
  slow.end('gin');
  const [answered] = await once(slow, 'response');
  assert.equal(answered[':status'], 200);
  assert.equal(JSON.parse(Buffer.concat(await slow.toArray()).toString()).body, 'begin');
});

test('an expected body is invited once', async (t) => {
  const { port } = await start(t, echo);
  const stream = open(t, port).request({ ':method': 'PUT', ':path': '/', expect: '100-continue' });
  await once(stream, 'continue');
  stream.end('now');
  await once(stream, 'response');
  assert.equal(JSON.parse(Buffer.concat(await stream.toArray()).toString()).body, 'now');
});

const LANES = 5;

test('while certificates are renewed and when the listener drains, no request fails', async (t) => {
  const server = await start(t, (_message, response) => {
    seen += 1;
    response.send(200, '', 'ok');
  });
  let session = open(t, server.port);
  let connections = 1;
  let seen = 0;
  let answers = 0;
  let over = false;
  const load = async (): Promise<number> => {
    let count = 0;
    for (; !over; count++) {
      // As a client does that was asked to come back.
      if (session.closed || session.destroyed) {
        session = open(t, server.port);
        connections += 1;
      }
      const told = await request(session, { ':path': '/' }).catch((error: unknown) => {
        // node:http2 as a client asks on a connection that it has just been asked to leave: nobody has seen that request.
        assert.match(String(error), /unseen/);
      });
      if (!told) continue;
      assert.equal(told.body, 'ok');
      answers += 1;
    }
    return count;
  };
  const loads = Promise.all(Array.from({ length: LANES }, load));
  for (const pair of [renewed, own, renewed]) {
    const before = connections;
    // More than may have been on their way by the connection before: the server knows of this one.
    const enough = answers + 2 * LANES;
    await until('it is at work', () => answers > enough);
    server.renew(certificates(pair));
    await until('it has come back', () => connections > before);
  }
  over = true;
  assert.ok((await loads).every((count) => count > 0));
  // Whatever reached the application was answered.
  assert.equal(answers, seen);
  const last = open(t, server.port);
  await request(last, { ':path': '/' });
  server.drain();
  await once(last, 'goaway');
  await server.close(5_000);
});

test('closing lets requests finish', async (t) => {
  const answers: (() => void)[] = [];
  const server = await start(t, (_message, response) => void answers.push(() => response.send(200, '', 'late')));
  const asked = request(open(t, server.port), { ':path': '/' });
  await until('it is here', () => answers.length === 1);
  const closed = server.close(5_000);
  answers[0]?.();
  assert.equal((await asked).body, 'late');
  await closed;
});

const target: readonly Field[] = [
  ...([
    [':method', 'GET'],
    [':scheme', 'https'],
    [':path', '/'],
    [':authority', 'a'],
  ] as const),
];

for (const [what, fields] of [
  ['another host than the authority', [...target, ['host', 'b']]],
  ['a header of the connection', [...target, ['connection', 'close']]],
  ['Transfer-Encoding', [...target, ['transfer-encoding', 'chunked']]],
  ['Upgrade', [...target, ['upgrade', 'websocket']]],
  ['a name in upper case', [...target, ['X-Upper', '1']]],
  ['a line break in the path', [[':path', '/\r\nx: y'], ...target.filter(([name]) => name !== ':path')]],
  ['a path that is a URL', [[':path', 'https://b/'], ...target.filter(([name]) => name !== ':path')]],
  ['two paths', [[':path', '/x'], ...target]],
  [
    'CONNECT',
    [
      [':method', 'CONNECT'],
      [':authority', 'a:443'],
    ],
  ],
  ['two lengths', [...target, ['content-length', '0'], ['content-length', '1']]],
  ['a length with no body', [...target, ['content-length', '5']]],
  ['headers over the limit', [...target, ['x', 'y'.repeat(17_000)]]],
] as const satisfies readonly (readonly [string, readonly Field[]])[]) {
  test(`${what}: nobody is asked, and the connection goes on or ends`, async (t) => {
    let asked = 0;
    const { port } = await start(t, (message, response) => {
      if (message.url !== '/after') asked += 1;
      response.send(200, '', '');
    });
    const raw = await openHttp2(port, authority.ca, client);
    t.after(() => void raw.socket.destroy());
    const bytes = block(fields);
    const pieces = [bytes.subarray(0, 16_000), bytes.subarray(16_000)];
    const hasMore = pieces[1] !== undefined && pieces[1].length > 0;
    raw.send(frame('headers', flags.endStream | (hasMore ? 0 : flags.endHeaders), 1, pieces[0]));
    if (hasMore) raw.send(frame('continuation', flags.endHeaders, 1, pieces[1]));
    const isAnswered = () =>
      raw.isOver() ||
      raw.frames().some(({ type, stream }) => stream === 1 && type !== frameTypes.settings) ||
      raw.frames().some(({ type }) => type === frameTypes.goaway);
    await until('it is refused', isAnswered);
    assert.equal(asked, 0);
    assert.equal((await request(open(t, port), { ':path': '/after' })).status, 200);
  });
}

for (const value of ['a\r\nx-user-id: admin', 'a\nb', 'a\0b']) {
  test(`a field whose value has ${JSON.stringify(value)} is not there`, async (t) => {
    let names: string[] | undefined;
    const { port } = await start(t, (message, response) => {
      names = Object.keys(message.headers);
      response.send(200, '', '');
    });
    const raw = await openHttp2(port, authority.ca, client);
    t.after(() => void raw.socket.destroy());
    raw.send(frame('headers', flags.endStream | flags.endHeaders, 1, block([...target, ['x', value], ['y', '1']])));
    await until('it is answered', () => names !== undefined);
    assert.deepEqual(names, ['host', 'y']);
  });
}

const endless = frame('continuation', 0, 1, block([['x', 'y'.repeat(100)]]));
const asking = (stream: number) => frame('headers', flags.endStream | flags.endHeaders, stream, block(target));

for (const [what, opening, attack] of [
  ['CONTINUATION without end (CVE-2024-27316)', frame('headers', flags.endStream, 1, block(target)), () => endless],
  [
    'requests that are given up at once (CVE-2023-44487)',
    Buffer.alloc(0),
    (n: number) => Buffer.concat([asking(2 * n + 1), frame('rst', 0, 2 * n + 1, Buffer.from([0, 0, 0, 8]))]),
  ],
  ['PING without reading the answers', Buffer.alloc(0), () => frame('ping', 0, 0, Buffer.alloc(8))],
  [
    'SETTINGS without reading the answers',
    Buffer.alloc(0),
    () => frame('settings', 0, 0, Buffer.from([0, 3, 0, 0, 0, 100])),
  ],
  ['empty DATA without end', frame('headers', flags.endHeaders, 1, block(target)), () => frame('data', 0, 1)],
] as const) {
  test(`${what}: bounded, and others are served meanwhile`, async (t) => {
    const { port } = await start(t, (message, response) => {
      message.on('error', () => undefined).resume();
      response.send(200, '', '');
    });
    const raw = await openHttp2(port, authority.ca, client);
    t.after(() => void raw.socket.destroy());
    if (!what.includes('DATA')) raw.socket.pause();
    if (opening.length > 0) raw.send(opening);
    const other = open(t, port);
    const before = process.memoryUsage().rss;
    for (let turn = 0, n = 0; turn < 40 && !raw.isOver() && !raw.socket.destroyed; turn++) {
      for (let times = 0; times < 500; times++, n++) raw.send(attack(n));
      assert.equal((await request(other, { ':path': '/' })).status, 200);
    }
    assert.ok(process.memoryUsage().rss - before < 200 * 1024 * 1024);
  });
}
