import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { noRequest } from './assemble/keys.ts';
import { loadConfig } from './config/load.ts';
import { refuse } from './core/refusal.ts';
import { createGenerations, type Generation } from './generations.ts';
import { createPeers } from './http/peers.ts';

const { config } = loadConfig({ env: {}, cwd: '/nowhere' });

type Played = Generation & { closed: number };

const play = (name: string, rest: Partial<Generation> = {}): Played => {
  const played: Played = {
    config,
    gate: {
      decide: () => ({ decision: { verdict: 'deny', refusal: refuse('no_rule', name) }, rule: name }),
      invite: () => refuse('no_rule', name),
    },
    peers: createPeers([]),
    admin: undefined,
    resolver: undefined,
    egress: undefined,
    proxy: undefined,
    readiness: [],
    lastsMs: 0,
    ready: async () => undefined,
    closed: 0,
    async close() {
      played.closed += 1;
    },
    ...rest,
  };
  return played;
};

const start = (...next: readonly Played[]) => {
  const first = play('first');
  const left = [...next];
  const generations = createGenerations(
    first,
    async () => left.shift() ?? assert.fail('no more are played'),
    (error) => assert.fail(String(error)),
  );
  const ruleNow = async () => (await generations.gate.decide({ request: noRequest }, 'preview')).rule;
  return { first, generations, ruleNow };
};

test('nothing changes before the commit, and everything at it', async () => {
  const { first, generations, ruleNow } = start(play('second'));
  const prepared = await generations.prepare(config);
  assert.equal(await ruleNow(), 'first');
  await prepared.commit(2);
  assert.equal(await ruleNow(), 'second');
  assert.equal(first.closed, 0);
  await generations.close();
});

test('one that is not ready is closed, and one that is given up as well', async () => {
  const broken = play('broken', { ready: () => Promise.reject(new Error('no keys')) });
  const unwanted = play('unwanted');
  const { first, generations, ruleNow } = start(broken, unwanted);
  await assert.rejects(generations.prepare(config), /no keys/);
  await (await generations.prepare(config)).discard();
  assert.deepEqual([broken.closed, unwanted.closed, first.closed], [1, 1, 0]);
  assert.equal(await ruleNow(), 'first');
});

test('one that is ready when the service has ended is closed, and takes no place', async () => {
  const late = play('late');
  const { first, generations, ruleNow } = start(late);
  const prepared = await generations.prepare(config);
  await generations.close();
  await prepared.commit(2);
  assert.deepEqual([await ruleNow(), first.closed, late.closed], ['first', 1, 1]);
});

test('an old one is closed when its longest call must be over, and not before', async (t) => {
  t.after(() => mock.timers.reset());
  mock.timers.enable({ apis: ['setTimeout'] });
  const second = play('second', { lastsMs: 60_000 });
  const { first, generations } = start(second, play('third'));
  for (let round = 2; round <= 3; round++) await (await generations.prepare(config)).commit(round);
  mock.timers.tick(19_999);
  assert.deepEqual([first.closed, second.closed], [0, 0]);
  mock.timers.tick(1);
  await turn();
  assert.deepEqual([first.closed, second.closed], [1, 0]);
  mock.timers.tick(40_000);
  await turn();
  assert.equal(second.closed, 1);
});

test('a storm keeps few old ones, and the end closes each once', async () => {
  const many = Array.from({ length: 30 }, (_, index) => play(`number ${index}`));
  const { first, generations, ruleNow } = start(...many);
  for (const [index] of many.entries()) await (await generations.prepare(config)).commit(index);
  await turn();
  const open = [first, ...many].filter(({ closed }) => closed === 0);
  assert.equal(open.length, 9);
  assert.equal(await ruleNow(), 'number 29');
  await generations.close();
  assert.deepEqual(
    [first, ...many].filter(({ closed }) => closed !== 1),
    [],
  );
});
