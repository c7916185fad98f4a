/** A target that leads back here ends by a refusal, whatever it is called; a service that calls itself a few times does not. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startRecordingTarget } from '../peers/recording-target.ts';
import { startSallyport } from '../sallyport.ts';
import { freePort } from '../servers/free-port.ts';
import { request } from '../servers/request.ts';

const owner = { after };
const target = await startRecordingTarget({ owner });
const [egressPort, otherPort] = [await freePort(), await freePort()];

const gate = await startSallyport({
  owner,
  config: `
egress:
  addr: "127.0.0.1:${egressPort}"
  defaults: { retry_count: 3, timeout: 20s }
  targets:
    self: { url: "http://localhost:${egressPort}", allow_private: true }
    far: { url: "http://127.0.0.1:${otherPort}", allow_private: true }
    end: { url: "${target.url}", allow_private: true }
  routes:
    - { path_prefix: /ext/self, target: self, websocket: true }
    - { path_prefix: /ext/round, target: far }
    - { path_prefix: /ext/end, target: end }
`,
});
await startSallyport({
  owner,
  config: `
egress:
  addr: "127.0.0.1:${otherPort}"
  targets: { back: { url: "http://localhost:${egressPort}", allow_private: true } }
  routes: [{ path_prefix: /ext, target: back }]
`,
});
const url = `http://127.0.0.1:${egressPort}`;

const calls = async (): Promise<number> => {
  const { body } = await request(gate.url, '/metrics');
  const lines = body.matchAll(/^egress_requests_total\{.*\} (\d+)$/gm);
  return [...lines].reduce((sum, [, count]) => sum + Number(count), 0);
};

for (const [what, path] of [
  ['of our own', '/ext/self/x'],
  ['by way of another', '/ext/round/x'],
] as const) {
  test(`a target that is an address ${what} ends with 508, once round and not more than a few times`, async () => {
    const before = await calls();
    const { status, body } = await request(url, path, { method: 'POST', body: 'x'.repeat(10_000) });
    assert.deepEqual([status, JSON.parse(body).code], [508, 'loop_detected']);
    assert.ok((await calls()) - before <= 5, `${(await calls()) - before}`);
  });
}

test('a WebSocket goes round no longer', async () => {
  const headers = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'AAAA',
  };
  assert.equal((await request(url, '/ext/self/x', { headers })).status, 508);
});

test('marks of others go on, and a service that hands on what it was sent may call again', async () => {
  const marked = async (told: string) => {
    const { status } = await request(url, '/ext/end/x', { headers: { 'CDN-Loop': told } });
    return { status, lines: target.latest().values('CDN-Loop') };
  };
  const { lines } = await marked('cloudflare; loops=1');
  assert.equal(lines[0], 'cloudflare; loops=1');
  const own = lines[1] ?? assert.fail('no mark of ours');
  assert.match(own, /^sallyport-[0-9a-f]{16}$/);
  assert.equal((await marked(`${own}, ${own}`)).status, 200);
  const seen = target.calls.length;
  assert.equal((await marked([own, own, own, own].join())).status, 508);
  assert.equal(target.calls.length, seen);
});
