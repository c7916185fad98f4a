/** Limits over several real processes that share one real Redis. */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import type { Counter } from '../../src/checks/rate-limit.ts';
import { needs } from '../servers/programs.ts';
import { startRedis } from '../servers/redis.ts';
import type { FromChild, Order, Passed } from './replica-child.ts';

const REPLICAS = 4;
const child = join(import.meta.dirname, 'replica-child.ts');

const hear = async (replica: ChildProcess): Promise<FromChild> => {
  const [message]: FromChild[] = await once(replica, 'message');
  return message ?? assert.fail('a replica says nothing');
};

const startReplicas = async (t: TestContext, port: number): Promise<readonly ChildProcess[]> => {
  const replicas = Array.from({ length: REPLICAS }, () => fork(child, [String(port)]));
  t.after(() => {
    for (const replica of replicas) replica.kill('SIGKILL');
  });
  await Promise.all(replicas.map(hear));
  return replicas;
};

/** What passed at all replicas together, each given its own order. */
const carryOut = async (replicas: readonly ChildProcess[], orders: readonly Order[]): Promise<Passed[]> => {
  const answers = replicas.map(hear);
  for (const [index, replica] of replicas.entries()) replica.send(orders[index] ?? assert.fail('no order'));
  const passed: Passed[] = [];
  for (const answer of await Promise.all(answers)) {
    assert.ok('passed' in answer);
    assert.equal(answer.fallbacks, 0, 'Redis answered each time');
    passed.push(...answer.passed);
  }
  return passed;
};

/** The most that were certainly counted within one window: begun and ended inside of it. */
const mostInAWindow = (passed: readonly Passed[], windowMs: number): number =>
  Math.max(
    0,
    ...passed.map(({ fromMs }) => passed.filter((one) => one.fromMs >= fromMs && one.toMs < fromMs + windowMs).length),
  );

const counter = fc.record({ limit: fc.integer({ min: 1, max: 40 }), windowMs: fc.constantFrom(150, 400, 1_000) });

/** Bursts at once, and a pause now and then. */
const requests = (counters: number) =>
  fc.array(
    fc.tuple(
      fc.oneof(
        { weight: 9, arbitrary: fc.constant(0) },
        { weight: 3, arbitrary: fc.integer({ min: 1, max: 20 }) },
        fc.integer({ min: 20, max: 150 }),
      ),
      fc.subarray(
        Array.from({ length: counters }, (_, index) => index),
        { minLength: 1 },
      ),
    ),
    { minLength: 60, maxLength: 120 },
  );

const scene = fc.array(counter, { minLength: 1, maxLength: 3 }).chain((counters) =>
  fc.record({
    counters: fc.constant(counters),
    replicas: fc.array(requests(counters.length), { minLength: REPLICAS, maxLength: REPLICAS }),
  }),
);

test(
  `no interleaving of ${REPLICAS} replicas lets more than the limit through in any window`,
  needs('redis'),
  async (t) => {
    const { port } = await startRedis({ owner: t });
    const replicas = await startReplicas(t, port);
    let runs = 0;
    let all = 0;
    await fc.assert(
      fc.asyncProperty(scene, async (asked) => {
        runs += 1;
        const counters: Counter[] = asked.counters.map((limit, index) => ({ ...limit, key: `${runs}:${index}` }));
        const passed = await carryOut(
          replicas,
          asked.replicas.map((list) => ({ counters, requests: list })),
        );
        all += passed.length;
        for (const [index, { limit, windowMs }] of counters.entries()) {
          const most = mostInAWindow(
            passed.filter(({ of }) => of.includes(index)),
            windowMs,
          );
          assert.ok(most <= limit, `${most} of ${limit} in ${windowMs} ms`);
        }
      }),
      { numRuns: 12, endOnFailure: true },
    );
    assert.ok(all > runs * 10, `only ${all} requests passed at all`);
  },
);

test('a burst at all replicas at once gets exactly the limit', needs('redis'), async (t) => {
  const { port } = await startRedis({ owner: t });
  const replicas = await startReplicas(t, port);
  const counters = [{ key: 'burst', limit: 137, windowMs: 60_000 }];
  const order: Order = { counters, requests: Array.from({ length: 200 }, () => [0, [0]]) };
  assert.equal(
    (
      await carryOut(
        replicas,
        replicas.map(() => order),
      )
    ).length,
    137,
  );
});
