/** A disk that takes no more: payments are refused for now, everything else goes on, and nothing is lost. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { createPayer } from '../../examples/play-mint/payer.ts';
import { hold } from '../peers/faults.ts';
import { startMint } from '../peers/mint.ts';
import { runSallyport, type Sallyport, startSallyport } from '../sallyport.ts';
import { until } from '../servers/until.ts';
import { createWorkdir } from '../servers/workdir.ts';
import { ask, codeOf } from './ask.ts';

type Disk = Readonly<{ directory?: string; fill(gate: Sallyport): void; empty(gate: Sallyport): void }>;

/** No file of the process may grow: writes fail with EFBIG, as on a quota that is used up. */
const limited = (): Disk => {
  const limit = ({ pid }: Sallyport, to: string) => execFileSync('prlimit', ['--pid', String(pid), `--fsize=${to}:`]);
  return { fill: (gate) => limit(gate, '1'), empty: (gate) => limit(gate, 'unlimited') };
};

const mount = (...args: string[]): boolean => spawnSync('mount', args).status === 0;

const mayMount = (): boolean => {
  const { path, remove } = createWorkdir('mount');
  const worked = mount('-t', 'tmpfs', 'tmpfs', path);
  if (worked) spawnSync('umount', [path]);
  remove();
  return worked;
};

const mounted = (t: TestContext): string => {
  const { path, remove } = createWorkdir('disk');
  const directory = join(path, 'disk');
  mkdirSync(directory);
  assert.ok(mount('-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', directory));
  t.after(() => {
    spawnSync('umount', ['-l', directory]);
    remove();
  });
  return directory;
};

const full = (t: TestContext): Disk => {
  const directory = mounted(t);
  const ballast = join(directory, 'ballast');
  return {
    directory,
    fill: () => void spawnSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=4k']),
    empty: () => void spawnSync('rm', [ballast]),
  };
};

type Readiness = Readonly<{ status: string; parts: Readonly<Record<string, { status: string; problem?: string }>> }>;

/** By the names of its parts. */
const readinessOf = async ({ url }: Sallyport): Promise<Readiness> => {
  const answer = await fetch(`${url}/ready`);
  assert.equal(answer.status, 200, 'whoever does not pay is served');
  const { status, parts } = (await answer.json()) as { status: string; parts: { name: string; status: string }[] };
  return { status, parts: Object.fromEntries(parts.map((part) => [part.name, part])) };
};

const needsMount = { skip: mayMount() ? false : 'this process may not mount' };

const disks: readonly (readonly [name: string, make: (t: TestContext) => Disk, options: { skip: string | boolean }])[] =
  [
    ['a quota that is used up', limited, { skip: false }],
    ['a full disk', full, needsMount],
  ];

for (const [name, make, options] of disks) {
  test(`${name}: 503 for payments, and all else as ever; afterwards the same token opens`, options, async (t) => {
    const disk = make(t);
    const mint = await startMint({ owner: t });
    const pay = createPayer(mint.url);
    const gate = await startSallyport({
      owner: t,
      ...(disk.directory && { directory: disk.directory }),
      config: `
cashu: { mints: ["${mint.url}"] }
rules:
  - { name: free, match: { path: "/free/**" }, accept: [anonymous] }
  - { name: premium, match: { path: "/premium/**" }, accept: [cashu, api_key], price: { amount: 8, buys: { requests: 2 } } }
  - { name: pass, match: { path: "/pass/**" }, accept: [cashu], price: { amount: 8, buys: { time: 1h } } }
`,
    });
    const { key } = await gate.createKey();
    const [known, fresh, caught] = [await pay.token(8), await pay.token(8), await pay.token(8)];
    assert.equal(codeOf(await ask(gate.url, known)), 'paid');
    const pass = await pay.token(8);
    assert.equal(codeOf(await ask(gate.url, pass, { path: '/pass/1' })), 'paid');
    const held = hold('after');
    mint.faults.set('/v1/swap', held.fault, { times: 1 });
    const caughtIn = ask(gate.url, caught);
    await until('the mint has acted', () => held.waiting() === 1);

    disk.fill(gate);
    held.release();
    const answer = await caughtIn;
    assert.deepEqual(
      [answer.status, codeOf(answer)],
      [503, 'store_unavailable'],
      'the mint has acted, and it cannot be written',
    );
    for (const token of [known, fresh]) {
      const refused = await ask(gate.url, token);
      assert.deepEqual([refused.status, codeOf(refused)], [503, 'store_unavailable']);
      assert.equal(refused.headers['retry-after'], '5');
    }
    assert.equal(mint.spentAmount(), 24, 'nothing that could not be written was asked of the mint');
    assert.equal((await ask(gate.url, key, { header: 'X-API-Key' })).status, 200);
    assert.equal(codeOf(await ask(gate.url, pass, { path: '/pass/2' })), 'paid', 'time that runs needs no disk');
    assert.equal((await ask(gate.url, 'x', { path: '/free/1', header: 'X-Nothing' })).status, 200);
    assert.equal((await ask(gate.url, 'x', { header: 'X-Nothing' })).status, 402);
    const { status, parts } = await readinessOf(gate);
    assert.deepEqual([status, parts['store']?.status, parts['store_writes']?.status], ['degraded', 'ok', 'degraded']);

    disk.empty(gate);
    assert.equal((await readinessOf(gate)).status, 'ok');
    for (const token of [caught, fresh, known]) assert.equal(codeOf(await ask(gate.url, token)), 'paid');
    assert.equal(mint.spentAmount(), 32);
    assert.equal(codeOf(await ask(gate.url, known)), 'credit_exhausted');
    assert.equal(codeOf(await ask(gate.url, caught)), 'paid');
    assert.equal(codeOf(await ask(gate.url, caught)), 'credit_exhausted');
  });
}

test('a writer elsewhere that does not let go: readiness says so in time, and all else is as ever', async (t) => {
  const mint = await startMint({ owner: t });
  const pay = createPayer(mint.url);
  const gate = await startSallyport({
    owner: t,
    config: `
cashu: { mints: ["${mint.url}"] }
rules: [{ name: premium, match: { path: "/premium/**" }, accept: [cashu, api_key], price: { amount: 8, buys: { requests: 2 } } }]
`,
  });
  const { key } = await gate.createKey();
  assert.equal((await readinessOf(gate)).status, 'ok');
  const other = new DatabaseSync(join(gate.directory, 'sallyport.db'));
  t.after(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  const token = await pay.token(8);
  const refused = ask(gate.url, token);
  const { status, parts } = await readinessOf(gate);
  assert.deepEqual([status, parts['store']?.status], ['degraded', 'ok']);
  assert.match(parts['store_writes']?.problem ?? '', /no answer in 2000 ms/);
  assert.equal((await ask(gate.url, key, { header: 'X-API-Key' })).status, 200);
  assert.equal((await refused).status, 503);
  other.exec('COMMIT');
  await until('it is written again', async () => (await readinessOf(gate)).status === 'ok');
  assert.equal(codeOf(await ask(gate.url, token)), 'paid');
  assert.equal(mint.spentAmount(), 8);
});

test('a disk that is read-only: the service does not start, and says which file it is about', needsMount, async (t) => {
  const directory = mounted(t);
  assert.ok(mount('-o', 'remount,ro', directory));
  const config = join(createWorkdir('config', { after: (end) => t.after(end) }).path, 'sallyport.yaml');
  writeFileSync(config, `store: "sqlite:${directory}/keys.db"\nhttp: { addr: "127.0.0.1:0" }\n`);
  const { status, stderr } = runSallyport(['--config', config], { cwd: directory });
  assert.equal(status, 1);
  assert.match(stderr, new RegExp(`cannot start: the store ${directory}/keys.db cannot be opened: `));
});
