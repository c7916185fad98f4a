/** How every door ends: who still asks after SIGTERM is answered, until whoever balances load had time to go elsewhere. */
import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { callUnary, checkOf, createClient } from '../peers/envoy-api.ts';
import { startRecordingTarget } from '../peers/recording-target.ts';
import { jwtSecret, sandboxToken } from '../resolver/tokens.ts';
import { adminToken, startSallyport } from '../sallyport.ts';
import { type Asking, request } from '../servers/request.ts';
import { until } from '../servers/until.ts';

test('SIGTERM under load at every listener: nobody sees an error, and what lasts longer than the drain ends well', async (t) => {
  const target = await startRecordingTarget({ owner: t });
  const gate = await startSallyport({
    owner: t,
    config: `
endpoints: { addr: "127.0.0.1:0" }
grpc: { addr: "127.0.0.1:0" }
resolver:
  addr: "127.0.0.1:0"
  secret: "${jwtSecret}"
  credentials: { anthropic: { api_key: sk-ant-1 } }
egress:
  addr: "127.0.0.1:0"
  targets: { api: { url: "${target.url}", allow_private: true } }
  routes: [{ path_prefix: /ext/api, target: api, strip_prefix: /ext/api }]
rules: [{ name: free, match: { path: "/free/**" }, accept: [anonymous] }]
`,
  });
  const reached = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  target.behave(async (incoming, response) => {
    if (incoming.url === '/long') {
      response.write('begun, ');
      reached.resolve();
      await goOn.promise;
    }
    response.end('ended');
  });
  const long = request(`http://127.0.0.1:${gate.egressPort}`, '/ext/api/long');
  await reached.promise;

  const sandbox = { Host: 'localhost:8001', 'X-Sandbox-JWT': await sandboxToken() };
  const envoy = createClient(gate.grpcPort, t);
  const over = (port: number, path: string, asking: Asking = {}) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    return async () => (await request(`http://127.0.0.1:${port}`, path, { ...asking, agent })).status;
  };
  const doors: Readonly<Record<string, () => Promise<number>>> = {
    http: over(gate.port, '/auth/native/free/x'),
    egress: over(gate.egressPort, '/ext/api/x'),
    resolver: over(gate.resolverPort, '/v1/messages', { headers: sandbox }),
    admin: over(Number(new URL(gate.adminUrl).port), '/api/keys/john', {
      headers: { Authorization: `Bearer ${adminToken}` },
    }),
    endpoints: over(gate.endpointsPort, '/health'),
    grpc: async () => {
      const { code, message } = await callUnary(envoy, 'check', checkOf({ path: '/free/x' }));
      return code === 0 && message.ok_response ? 200 : code;
    },
  };

  let isOver = false;
  const told: Record<string, Record<string, number>> = {};
  const load = Promise.all(
    Object.entries(doors).map(async ([name, ask]) => {
      const counts: Record<string, number> = {};
      told[name] = counts;
      while (!isOver) {
        const outcome = await ask().catch((error: Error) => error.message);
        counts[outcome] = (counts[outcome] ?? 0) + 1;
        await pause(10);
      }
    }),
  );
  await until('all are asked', () => Object.values(told).every((counts) => Object.values(counts).length > 0));
  gate.signal('SIGTERM');
  const isReady = async () => (await request(`http://127.0.0.1:${gate.endpointsPort}`, '/ready')).status === 200;
  await until('readiness turns', async () => !(await isReady()));
  await pause(2_000);
  isOver = true;
  await load;
  for (const [name, counts] of Object.entries(told)) {
    assert.deepEqual(Object.keys(counts), ['200'], name);
    assert.ok((counts[200] ?? 0) > 50, `${name}: ${counts[200]}`);
  }
  await until('the listeners are closed', async () => {
    const again = await request(gate.url, '/health').catch(() => 'closed');
    return again === 'closed';
  });
  goOn.resolve();
  assert.equal((await long).body, 'begun, ended');
  assert.equal(await gate.exited(), 'code 0');
});
