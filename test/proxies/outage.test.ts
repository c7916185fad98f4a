/** Without Sallyport nothing passes, and with it back all is well; and it goes away without anybody noticing. */
import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { after, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Fault } from '../peers/faults.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';
import { openHouse, prices } from './house.ts';
import { lineUp } from './line-up.ts';

const owner = { after };
const house = await openHouse(owner);
const { key } = await house.gate.createKey({ rate_limit_per_minute: 1_000_000, rate_limit_per_day: 1_000_000 });
const fronts = await Promise.all(
  lineUp
    .filter(({ skip }) => skip === false)
    .map(async (proxy) => ({ proxy, front: await proxy.start(house.ports, owner) })),
);
for (const { name, skip } of lineUp.filter((proxy) => proxy.skip !== false)) test(name, { skip }, () => {});

let gate = house.gate;
const doors = [
  ['/free/1', {}],
  ['/orders/1', { 'X-API-Key': key }],
] as const;

const slow: Fault = async (act) => {
  await pause(5_000);
  return act();
};

type Front = (typeof fronts)[number];

/** Every door, through that proxy. */
const knock = ({ front }: Front) =>
  Promise.all(doors.map(([path, headers]) => request(front.url, path, { headers, deadlineMs: 20_000 })));

async function assertClosed(which: readonly Front[], when: string, told: 'whenGone' | 'whenStuck'): Promise<void> {
  const seen = house.app.seen();
  await Promise.all(
    which.map(async (fronted) => {
      const { name, whenGone, [told]: expected = whenGone } = fronted.proxy;
      for (const { status, headers } of await knock(fronted)) {
        assert.equal(status, expected, `${name}, ${when}`);
        if (status === 503) assert.match(headers['retry-after'] ?? '', /^\d+$/, `${name}, ${when}`);
      }
    }),
  );
  assert.equal(house.app.seen(), seen, `the application was reached, ${when}`);
}

const assertOpen = () =>
  Promise.all(
    fronts.map((fronted) =>
      until(`${fronted.proxy.name} lets through again`, async () =>
        (await knock(fronted)).every(({ status }) => status === 200),
      ),
    ),
  );

test('killed, it lets nothing pass, and everything again after a restart on its data', async () => {
  await assertOpen();
  gate.signal('SIGKILL');
  await gate.exited();
  await assertClosed(fronts, 'while connections are cut', 'whenGone');
  await Promise.all([house.relay.close(), house.grpcRelay.close()]);
  await assertClosed(fronts, 'while connections are refused', 'whenGone');
  gate = await house.startAnother(owner, gate.directory);
  house.relay.turnTo(gate.port);
  house.grpcRelay.turnTo(gate.grpcPort);
  await Promise.all([house.relay.open(), house.grpcRelay.open()]);
  await assertOpen();
});

test('stuck, it lets nothing pass, and nobody waits for longer than 11 s', async () => {
  gate.signal('SIGSTOP');
  const startedAt = Date.now();
  try {
    const impatient = fronts.filter(({ proxy }) => !proxy.patient);
    await assertClosed(impatient, 'while it is stuck', 'whenStuck');
    assert.ok(Date.now() - startedAt < 11_000);
  } finally {
    gate.signal('SIGCONT');
  }
  await assertOpen();
});

test('a mint that takes 5 s is waited for', async () => {
  const tokens = await Promise.all(fronts.map(() => house.payer.token(prices.premium)));
  house.mint.faults.set('/v1/swap', slow);
  await Promise.all(
    fronts.map(async ({ proxy, front }, index) => {
      const headers = { 'X-Cashu': tokens[index] ?? '' };
      const { status, body } = await request(front.url, '/premium/1', { headers, deadlineMs: 20_000 });
      assert.equal(status, 200, `${proxy.name}: ${body}`);
    }),
  );
  house.mint.faults.clear();
});

test('asked to end under load while another takes over, it ends, and no client notices', async (t) => {
  const agent = new Agent({ keepAlive: true });
  const counts = new Map<string, number>();
  const allowed = ({ proxy }: Front) => counts.get(`${proxy.name}: 200`) ?? 0;
  let loaded = true;
  const load = async ({ proxy, front }: Front, worker: number) => {
    for (let sent = worker; loaded; sent++) {
      const [path, headers] = doors[sent % doors.length] ?? doors[0];
      const answer = await request(front.url, path, { headers, agent }).catch((error: Error) => error);
      const result = `${proxy.name}: ${answer instanceof Error ? answer.message : answer.status}`;
      counts.set(result, (counts.get(result) ?? 0) + 1);
      await pause(2);
    }
  };
  const loads = fronts.flatMap((fronted) => [0, 1, 2].map((worker) => load(fronted, worker)));
  t.after(async () => {
    loaded = false;
    await Promise.all(loads);
    agent.destroy();
  });

  const next = await house.startAnother(owner, gate.directory);
  await until('all are under load', () => fronts.every((fronted) => allowed(fronted) > 10));
  house.relay.turnTo(next.port);
  house.grpcRelay.turnTo(next.grpcPort);
  gate.signal('SIGTERM');
  assert.equal(await gate.exited(), 'code 0');
  const before = new Map(fronts.map((fronted) => [fronted, allowed(fronted)]));
  await until('the load went on', () => fronts.every((fronted) => allowed(fronted) > (before.get(fronted) ?? 0) + 10));
  const others = [...counts].filter(([result]) => !result.endsWith(': 200'));
  assert.deepEqual(others, []);
});
