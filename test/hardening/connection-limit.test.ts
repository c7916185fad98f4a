/** A listener takes so many connections at once; what is more ends at once, and those that are there are served on. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { startSallyport } from '../sallyport.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';
import { seriesOf } from '../tls/ask.ts';

const start = (t: TestContext, more = '') =>
  startSallyport({
    owner: t,
    http: 'max_connections: 5',
    config: `${more}
endpoints: { addr: "127.0.0.1:0" }
logger: { format: json }
rules: [{ name: free, match: { path: "/free" }, accept: [anonymous] }]
`,
  });

type Kept = Readonly<{ socket: Socket; isOver(): boolean; answered(): Promise<boolean> }>;

const open = async (t: TestContext, port: number): Promise<Kept> => {
  const socket = connect(port, '127.0.0.1');
  t.after(() => void socket.destroy());
  let over = false;
  socket
    .on('error', () => undefined)
    .on('close', () => {
      over = true;
    });
  await once(socket, 'connect');
  return {
    socket,
    isOver: () => over,
    answered: () =>
      new Promise((resolve) => {
        if (over) resolve(false);
        socket.once('data', (answer) => resolve(String(answer).startsWith('HTTP/1.1 200')));
        socket.once('close', () => resolve(false));
        socket.write('GET /auth/native/free HTTP/1.1\r\nHost: a\r\n\r\n');
      }),
  };
};

test('connections above http.max_connections end at once, counted and told; the others are served on', async (t) => {
  const gate = await start(t);
  const kept = await Promise.all(Array.from({ length: 5 }, () => open(t, gate.port)));
  assert.deepEqual(await Promise.all(kept.map(({ answered }) => answered())), Array(5).fill(true));
  const more = await Promise.all(Array.from({ length: 20 }, () => open(t, gate.port)));
  await until('all of the others have ended', () => more.every(({ isOver }) => isOver()));
  assert.equal(await kept[0]?.answered(), true);
  const { body } = await request(`http://127.0.0.1:${gate.endpointsPort}`, '/metrics');
  assert.equal(seriesOf(body, 'sallyport_connections_dropped_total', { listener: 'http' }), 20);
  const told = () => gate.log().filter(({ event }) => event === 'connections_dropped');
  await until('it is told', () => told().length > 0);
  assert.deepEqual(
    told().map(({ level, listener, limit, peer_ip }) => ({ level, listener, limit, peer_ip })),
    [{ level: 'warn', listener: 'http', limit: 5, peer_ip: '127.0.0.1' }],
  );
  kept[0]?.socket.destroy();
  await until('there is room again', async () => (await open(t, gate.port)).answered());
});

test('gRPC has the same limit', async (t) => {
  const gate = await start(t, 'grpc: { addr: "127.0.0.1:0" }');
  const sessions = Array.from({ length: 6 }, () => connectHttp2(`http://127.0.0.1:${gate.grpcPort}`));
  let ended = 0;
  for (const session of sessions) {
    session.on('error', () => undefined).on('close', () => ended++);
    t.after(() => session.destroy());
  }
  await until('one has ended', () => ended > 0);
  const open = sessions.filter(({ closed, destroyed }) => !closed && !destroyed);
  await Promise.all(open.map((session) => new Promise((resolve) => session.ping(resolve))));
  assert.deepEqual([open.length, ended], [5, 1]);
});

test('of several workers each has its own, and whoever is full hands nobody on', async (t) => {
  const gate = await start(t, 'workers: 2');
  const all = await Promise.all(Array.from({ length: 30 }, () => open(t, gate.port)));
  const answers = await Promise.all(all.map(({ answered }) => answered()));
  assert.equal(answers.filter(Boolean).length, 10);
});
