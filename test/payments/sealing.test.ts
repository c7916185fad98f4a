/** With a key, the files of the database hold no money; without the right one the service does not start. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import type { SerializedOutputData } from '@cashu/cashu-ts';
import { createPayer } from '../../examples/play-mint/payer.ts';
import { encodeToken } from '../../examples/play-mint/token.ts';
import { createSealer } from '../../src/paywall/seal.ts';
import { openSqliteStores } from '../../src/stores/sqlite/stores.ts';
import { droppedBefore } from '../peers/faults.ts';
import { type FaultyMint, startMint } from '../peers/mint.ts';
import { refusing } from '../peers/mint-faults.ts';
import { runSallyport, type Sallyport, startSallyport } from '../sallyport.ts';
import { until } from '../servers/until.ts';
import { createWorkdir } from '../servers/workdir.ts';
import { ask, codeOf } from './ask.ts';
import { paymentOf, setOf, signatures } from './ledger-contract.ts';

const [old, current] = [randomBytes(32), randomBytes(32)];
const [oldText, currentText] = [old.toString('base64'), current.toString('hex')];

const start = (t: TestContext, mint: FaultyMint, cashu: string, directory?: string): Promise<Sallyport> =>
  startSallyport({
    owner: t,
    config: `
cashu: { mints: ["${mint.url}"]${cashu} }
rules:
  - { name: premium, match: { path: "/premium/**" }, accept: [cashu], price: { amount: 8, buys: { requests: 2 } } }
`,
    ...(directory !== undefined && { directory }),
  });

const withKey = (key: string, former: readonly string[] = []): string =>
  `, encryption_key: "${key}", former_encryption_keys: ${JSON.stringify(former)}`;

/** Every byte of the database and of what SQLite keeps beside it. */
const filesOf = ({ directory }: Sallyport): Buffer[] => {
  const names = readdirSync(directory).filter((name) => name.startsWith('sallyport.db'));
  assert.ok(names.includes('sallyport.db-wal'), 'it is killed, not closed: nothing has been tidied up');
  return names.map((name) => readFileSync(join(directory, name)));
};

const spellings = (secret: string): string[] => [
  secret,
  Buffer.from(secret).toString('hex'),
  Buffer.from(secret).toString('base64url').slice(0, -2),
];

type Sealed = Readonly<{ payment_id: string; outputs: string; signatures: string | null }>;

/** Secrets and blinding factors of our outputs, and the mint's signatures, as the key shows them. */
const ourSecrets = ({ directory }: Sallyport, sealer: ReturnType<typeof createSealer>): string[] => {
  const database = new DatabaseSync(join(directory, 'sallyport.db'), { readOnly: true });
  const sql = 'SELECT payment_id, outputs, signatures FROM swaps JOIN payments ON payments.id = payment_id';
  const rows = database.prepare(sql).all() as Sealed[];
  database.close();
  return rows.flatMap(({ payment_id: paymentId, outputs, signatures }) => {
    const drawn = JSON.parse(sealer.open(outputs, { paymentId, column: 'outputs' })) as SerializedOutputData[];
    const signed = signatures === null ? '[]' : sealer.open(signatures, { paymentId, column: 'signatures' });
    return [
      ...drawn.flatMap(({ secret, blindingFactor }) => [
        secret,
        Buffer.from(secret, 'hex').toString(),
        blindingFactor,
        BigInt(blindingFactor).toString(16),
      ]),
      ...(JSON.parse(signed) as { C_: string }[]).map(({ C_ }) => C_),
    ];
  });
};

/** Payments that are settled, under way, and refused; what they were made of. */
const trade = async (mint: FaultyMint, gate: Sallyport): Promise<string[]> => {
  const payer = createPayer(mint.url);
  const secrets: string[] = [];
  const present = async (expected: string): Promise<void> => {
    const proofs = await payer.proofs(8, { coins: [4, 4] });
    secrets.push(...proofs.flatMap(({ secret, C }) => [...spellings(secret), C]));
    assert.equal(codeOf(await ask(gate.url, encodeToken({ mint: mint.url, unit: 'sat', proofs }))), expected);
  };
  await present('paid');
  mint.faults.set('/v1/swap', refusing(0));
  await present('payment_rejected');
  mint.faults.set('/v1/swap', droppedBefore);
  await present('payment_uncertain');
  mint.faults.clear();
  return secrets;
};

for (const [title, cashu, sealer, isHidden] of [
  ['with a key no file of the database holds', withKey(currentText), createSealer(current), true],
  ['without a key (which is what tells that this test can see) the files hold', '', createSealer(undefined), false],
] as const) {
  test(`${title} a proof, an output of ours or a signature`, async (t) => {
    const mint = await startMint({ owner: t });
    const gate = await start(t, mint, cashu);
    const theirs = await trade(mint, gate);
    // Lines are written in batches: the last event of the trade comes after what was said at the start.
    await until('its payments are in its log', () => gate.log().some(({ event }) => event === 'payment_uncertain'));
    gate.signal('SIGKILL');
    await gate.exited();
    const files = filesOf(gate);
    const ours = ourSecrets(gate, sealer);
    assert.ok(ours.length >= 8);
    const found = (needles: readonly string[]) => needles.filter((one) => files.some((file) => file.includes(one)));
    if (isHidden) assert.deepEqual(found([...theirs, ...ours]), []);
    else assert.ok(found(theirs).length >= 12 && found(ours).length >= 5);
    const warned = gate.log().some(({ event }) => event === 'ledger_unsealed');
    assert.equal(warned, !isHidden);
    assert.ok(!gate.output().includes(currentText));
  });
}

test('keys are changed: old payments open by the former key; without it the service says so and does not start', async (t) => {
  const mint = await startMint({ owner: t });
  const payer = createPayer(mint.url);
  const first = await start(t, mint, '');
  const { directory } = first;
  const before = await payer.token(8);
  assert.equal(codeOf(await ask(first.url, before)), 'paid');
  await first.stop();

  const second = await start(t, mint, withKey(oldText), directory);
  assert.equal(codeOf(await ask(second.url, before)), 'paid', 'what was written before there was a key');
  mint.faults.set('/v1/swap', droppedBefore);
  const token = await payer.token(8);
  assert.equal(codeOf(await ask(second.url, token)), 'payment_uncertain');
  mint.faults.clear();
  second.signal('SIGKILL');
  await second.exited();

  for (const [cashu, expected] of [
    [withKey(currentText), /the ledger holds payments that were sealed with the key [0-9a-f]{16}, which is neither/],
    ['', /which is neither cashu\.encryption_key nor among cashu\.former_encryption_keys\. Nothing was changed/],
  ] as const) {
    await assert.rejects(start(t, mint, cashu, directory), expected);
  }

  const last = await start(t, mint, withKey(currentText, [oldText]), directory);
  await until('it is paid', async () => codeOf(await ask(last.url, token)) === 'paid', { everyMs: 200 });
  assert.equal(mint.spentAmount(), 16);
});

test('a key that sealed only our proofs, or a token that was exported, is missed as well', async (t) => {
  const { path } = createWorkdir('sealing', { after: (end) => t.after(end) });
  const { ledger, proofs, close } = openSqliteStores(join(path, 'test.db'));
  t.after(close);
  const claims = setOf('a');
  const payment = paymentOf(claims);
  await ledger.prepare(payment, claims);
  await ledger.settle(payment.id, 1, signatures, 0);
  const proof = {
    id: 'one',
    keysetId: '00',
    amount: 1,
    secret: 'sealed:1:ofproofs:x',
    C: '02',
    state: 'unspent',
  } as const;
  assert.deepEqual(await ledger.noteKeys('ofproofs', ['ofproofs']), []);
  const collected = { paymentId: payment.id, mint: payment.mint, unit: 'sat' };
  assert.deepEqual(await proofs.collect([{ payment: collected, proofs: [proof] }], 0), [payment.id]);
  assert.deepEqual(await ledger.noteKeys('ofexports', ['ofexports']), ['ofproofs']);
  assert.deepEqual(await ledger.noteKeys('ofexports', ['ofproofs', 'ofexports']), []);
  const written = { id: 'export', mint: payment.mint, unit: 'sat', amount: 1, createdAtMs: 0 };
  assert.equal(await proofs.export(written, 'sealed:1:ofexports:x', ['one']), true);
  assert.deepEqual(await ledger.noteKeys(undefined, []), ['ofexports', 'ofproofs']);
});

test('wallet reseal, while the service runs: the former key can go, and the money is still there', async (t) => {
  const mint = await startMint({ owner: t });
  const payer = createPayer(mint.url);
  const first = await start(t, mint, withKey(oldText));
  const { directory } = first;
  const tokens = await Promise.all(Array.from({ length: 4 }, () => payer.token(8)));
  for (const token of tokens) assert.equal(codeOf(await ask(first.url, token)), 'paid');
  await first.stop();

  const config = (cashu: string) => {
    const file = join(directory, 'reseal.yaml');
    const rules = 'rules: [{ name: premium, match: { path: "/premium/**" }, accept: [cashu], price: 8 }]';
    writeFileSync(file, `store: "sqlite:sallyport.db"\ncashu: { mints: ["${mint.url}"]${cashu} }\n${rules}\n`);
    return file;
  };
  const run = (...args: string[]) => runSallyport(['wallet', ...args], { cwd: directory });
  const rotated = config(withKey(currentText, [oldText]));
  const serving = await start(t, mint, withKey(currentText, [oldText]), directory);
  const { status, stdout, stderr } = run('reseal', '--config', rotated);
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(stdout, /^sealed anew: 4 swaps, .*\n.*cashu\.former_encryption_keys can go\n$/);
  for (const token of tokens.slice(0, 1)) assert.equal(codeOf(await ask(serving.url, token)), 'paid');
  await serving.stop();
  const alone = config(withKey(currentText));
  assert.equal(JSON.parse(run('reseal', '--json', '--config', alone).stdout).done, true);
  assert.match(run('reseal', '--config', config('')).stderr, /which is neither cashu\.encryption_key/);

  const last = await start(t, mint, withKey(currentText), directory);
  for (const token of tokens.slice(1)) assert.equal(codeOf(await ask(last.url, token)), 'paid');
  await last.stop();
  const { stdout: exported } = run(
    'export',
    '--mint',
    mint.url,
    '--amount',
    'all',
    '--config',
    config(withKey(currentText)),
  );
  assert.match(exported, /^cashuB/);
});
