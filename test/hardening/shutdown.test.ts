/** How the process ends. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { hold } from '../peers/faults.ts';
import { startJwksServer } from '../peers/jwks-server.ts';
import { startSallyport } from '../sallyport.ts';
import { launch } from '../servers/process.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';
import { createWorkdir } from '../servers/workdir.ts';

const config = `
logger: { sample_allows: 1 }
rules:
  - { name: free, match: { path: "/free/**" }, accept: [anonymous] }
  - { name: api, match: { path: "/api/**" }, accept: [api_key] }
`;
const launcher = join(import.meta.dirname, '..', '..', 'bin', 'sallyport.js');

test('SIGTERM under load: readiness turns first, every request is answered, no line is lost, and it exits with 0', async (t) => {
  const gate = await startSallyport({ owner: t, config });
  const { key } = await gate.createKey({ rate_limit_per_minute: null, rate_limit_per_day: null });
  let terminatedAt = Number.POSITIVE_INFINITY;
  let notReadyAt = Number.POSITIVE_INFINITY;
  let answeredAfter = 0;
  const failures: unknown[] = [];
  const statuses = new Set<number>();
  const ids = new Set<string>();

  /** A proxy keeps its connections, and goes elsewhere some time after readiness turned. */
  const client = async (name: number): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let n = 0; performance.now() < notReadyAt + 2_000; n++) {
      const id = `c${name}-${n}`;
      const [path, headers] = n % 2 ? ['/auth/native/free/x', {}] : ['/auth/native/api/x', { 'X-API-Key': key }];
      try {
        const { status } = await request(gate.url, path, { agent, headers: { 'X-Request-ID': id, ...headers } });
        statuses.add(status);
        ids.add(id);
        if (performance.now() > terminatedAt) answeredAfter++;
      } catch (error) {
        failures.push(error);
      }
      await pause(5);
    }
    agent.destroy();
  };
  const prober = async (): Promise<void> => {
    while (notReadyAt === Number.POSITIVE_INFINITY) {
      const { status, body } = await request(gate.url, '/ready');
      if (status === 503) notReadyAt = performance.now();
      assert.match(body, status === 503 ? /"stopping"/ : /"ok"/);
      await pause(10);
    }
    assert.equal((await request(gate.url, '/health')).status, 200, 'it lives on while it stops');
  };

  const load = Promise.all([...Array.from({ length: 20 }, (_, name) => client(name)), prober()]);
  await pause(300);
  terminatedAt = performance.now();
  gate.signal('SIGTERM');
  await load;
  assert.deepEqual(failures, []);
  assert.deepEqual([...statuses], [200]);
  assert.ok(answeredAfter > 100, `${answeredAfter} requests after SIGTERM`);
  assert.equal(await gate.exited(), 'code 0');
  assert.ok(performance.now() - terminatedAt < 15_000);
  const logged = new Set(gate.log().map(({ request_id }) => request_id));
  const last = [...ids].slice(-500);
  assert.deepEqual(
    last.filter((id) => !logged.has(id)),
    [],
  );
});

test('SIGINT, from a terminal, ends it without waiting for a cluster', async (t) => {
  const gate = await startSallyport({ owner: t, config });
  const startedAt = performance.now();
  gate.signal('SIGINT');
  assert.equal(await gate.exited(), 'code 0');
  assert.ok(performance.now() - startedAt < 3_000);
});

test('an issuer that never answers keeps nothing from ending', async (t) => {
  const issuer = await startJwksServer({ owner: t, algorithms: ['ES256'] });
  const { fault, waiting } = hold('before');
  issuer.faults.set('*', fault);
  const issuers = `jwt: { issuers: [{ name: a, issuer: "${issuer.url}", audience: api, jwks_url: "${issuer.jwksUrl}" }] }`;
  const gate = await startSallyport({ owner: t, config: `${config}${issuers}\n` });
  await until('the keys are asked for', () => waiting() === 1);
  const asked = request(gate.url, '/auth/native/free/x');
  assert.equal((await asked).status, 200);
  const startedAt = performance.now();
  gate.signal('SIGINT');
  assert.equal(await gate.exited(), 'code 0');
  assert.ok(performance.now() - startedAt < 3_000);
});

test('a second signal, some time after the first, ends it at once and with 1, and loses no line', async (t) => {
  const gate = await startSallyport({ owner: t, config });
  await request(gate.url, '/auth/native/free/last');
  const startedAt = performance.now();
  gate.signal('SIGTERM');
  const again = setInterval(() => gate.signal('SIGTERM'), 200);
  t.after(() => clearInterval(again));
  assert.equal(await gate.exited(), 'code 1');
  assert.ok(performance.now() - startedAt < 4_000, 'and does not wait for the drain of five seconds');
  assert.ok(gate.log().some(({ path }) => path === '/free/last'));
});

test('a signal at any moment of the start ends it soon, quietly and without leaving a mess', async (t) => {
  const { path: directory } = createWorkdir('signals', t);
  const database = join(directory, 'data', 'sallyport.db');
  mkdirSync(join(directory, 'data'));
  const file = join(directory, 'sallyport.yaml');
  writeFileSync(file, `http: { addr: "127.0.0.1:0" }\nstore: "sqlite:${database}"\n${config}`);
  for (let delayMs = 0; delayMs <= 600; delayMs += 60) {
    const running = await launch({
      command: process.execPath,
      args: [launcher, '--config', file],
      cwd: directory,
      owner: t,
    });
    await pause(delayMs);
    const startedAt = performance.now();
    running.signal('SIGINT');
    const how = await running.exited();
    assert.ok(['code 0', 'SIGINT'].includes(how), `after ${delayMs} ms: ${how}\n${running.output()}`);
    assert.ok(performance.now() - startedAt < 3_000, `after ${delayMs} ms`);
    assert.ok(!/Error|at .*\.ts:\d+/.test(running.output()), running.output());
  }
});

test('what keeps it from starting is told in a sentence, with 1', async (t) => {
  const gate = await startSallyport({ owner: t, config });
  const { path: directory } = createWorkdir('start', t);
  const file = join(directory, 'sallyport.yaml');
  const attempt = async (text: string) => {
    writeFileSync(file, text);
    const running = await launch({
      command: process.execPath,
      args: [launcher, '--config', file],
      cwd: directory,
      owner: t,
    });
    return [await running.exited(), running.output()] as const;
  };
  for (const [what, text, says] of [
    ['an address in use', `http: { addr: "127.0.0.1:${gate.port}" }\nstore: "sqlite:${directory}/a.db"\n`, /in use/],
    [
      'an address in use, with workers',
      `workers: 2\nhttp: { addr: "127.0.0.1:${gate.port}" }\nstore: "sqlite:${directory}/a.db"\n`,
      /in use/,
    ],
    ['a store that cannot be opened', `http: { addr: "127.0.0.1:0" }\nstore: "sqlite:${file}/x.db"\n`, /cannot start/],
    ['a wrong configuration', 'http: { adr: ":1" }\n', /adr/],
  ] as const) {
    const [how, output] = await attempt(text);
    assert.equal(how, 'code 1', what);
    assert.match(output, says, what);
    assert.ok(!/\n\s+at /.test(output), output);
  }
});
