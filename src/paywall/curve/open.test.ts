import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { cashuTsOperations } from './cashu-ts.ts';
import { createCurveOnLoop } from './on-loop.ts';
import { openCurve } from './open.ts';
import type { CurveOperations } from './operations.ts';

const blindings = Array.from({ length: 6 }, (_, index) => ({
  secret: `secret ${index}`,
  blindingFactor: `${index + 1}`.repeat(64),
}));

test('where libsecp256k1 has no binary, threads give the same answers, in the order of the questions', async () => {
  const slow = await openCurve(() => undefined);
  const fast = await openCurve();
  assert.equal(slow.engine, 'cashu-ts');
  const answers = await Promise.all(blindings.map((each) => slow.blind(each)));
  assert.deepEqual(answers, await Promise.all(blindings.map((each) => fast.blind(each))));
  assert.equal(await slow.isPoint('nothing'), false);
  assert.equal(
    await slow.unblind({ blindingFactor: '1'.repeat(64), B_: '', C_: '', publicKey: '' }),
    undefined,
    'what cannot be opened is an answer',
  );
  await slow.close();
  await assert.rejects(slow.isPoint('nothing'), /closed/);
});

test('what the threads cannot do fails for the one who asked, and for nobody else', async () => {
  const curve = await openCurve(() => undefined);
  const outcomes = await Promise.allSettled([
    curve.blind({ secret: 'secret', blindingFactor: 'no number' }),
    curve.hashToCurve('secret'),
  ]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'fulfilled'],
  );
  await curve.close();
});

test('what others proved is checked on threads, by either engine', async () => {
  for (const load of [() => undefined, undefined]) {
    const curve = await openCurve(load);
    assert.equal(await curve.areProven([]), true);
    const dleq = { e: '1'.repeat(64), s: '1'.repeat(64), r: '1'.repeat(64) };
    assert.equal(await curve.areProven([{ secret: 's', C: '', dleq, publicKey: '' }]), false);
    await curve.close();
    await assert.rejects(curve.areProven([]), /closed/);
  }
});

test('closing does not leave anybody waiting who asked before', async () => {
  const curve = await openCurve(() => undefined);
  const asked = curve.hashToCurve('secret').then(
    () => 'answered',
    () => 'refused',
  );
  await curve.close();
  assert.match(await asked, /answered|refused/);
});

test('much that is asked for at once is done in slices, between which the event loop turns', async () => {
  const turns: number[] = [];
  let turn = 0;
  let running = true;
  const count = (): void => {
    turn += 1;
    if (running) setImmediate(count);
  };
  const busy: CurveOperations = {
    hashToCurve(secret) {
      const until = performance.now() + 1;
      while (performance.now() < until);
      turns.push(turn);
      return String(secret);
    },
    blind: () => '',
    unblind: () => undefined,
    isPoint: () => false,
    sign: () => '',
    areProven: () => false,
  };
  const curve = createCurveOnLoop(busy, { areProven: async () => false });
  setImmediate(count);
  const secrets = Array.from({ length: 20 }, (_, index) => `${index}`);
  assert.deepEqual(await Promise.all(secrets.map((secret) => curve.hashToCurve(secret))), secrets);
  running = false;
  const inOneTurn = turns.map((at) => turns.filter((other) => other === at).length);
  assert.ok(Math.max(...inOneTurn) <= 3, `at most three in a turn, got ${inOneTurn}`);
});

test('an operation that throws does not hold up those behind it', async () => {
  const curve = createCurveOnLoop(
    {
      ...cashuTsOperations,
      isPoint() {
        throw new Error('broken');
      },
    },
    { areProven: async () => false },
  );
  const outcomes = await Promise.allSettled([curve.isPoint(''), curve.hashToCurve('secret')]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'fulfilled'],
  );
});

test('the slow library that the package would fall back to is never loaded', { skip: process.arch !== 'x64' }, () => {
  const script = `
    const { openCurve } = await import(${JSON.stringify(new URL('./open.ts', import.meta.url).href)});
    const { createRequire } = await import('node:module');
    const curve = await openCurve();
    await curve.hashToCurve('secret');
    const loaded = Object.keys(createRequire(import.meta.url).cache);
    console.log(JSON.stringify({ engine: curve.engine, loaded }));
  `;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
  });
  const { engine, loaded } = JSON.parse(output) as { engine: string; loaded: string[] };
  assert.equal(engine, 'libsecp256k1');
  assert.ok(loaded.some((path) => path.endsWith('secp256k1.glibc.node') || path.includes('secp256k1/bindings')));
  assert.deepEqual(
    loaded.filter((path) => path.includes('elliptic') || path.includes('bn.js')),
    [],
  );
});
