/** Locked tokens through the service as a whole: asked for, accepted at once, settled by itself, and in the books all the while. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { PaymentRequest } from '@cashu/cashu-ts';
import { createPayer } from '../../examples/play-mint/payer.ts';
import { startMint } from '../peers/mint.ts';
import { type Sallyport, startSallyport } from '../sallyport.ts';
import { until } from '../servers/until.ts';
import { ask, codeOf } from './ask.ts';

const privateKey = `${'c0ffee'.repeat(10)}c0ff`;
const AMOUNT = 13;

const configOf = (mint: string, settleEvery: string) => `
cashu:
  mints: ["${mint}"]
  lock:
    private_key: "${privateKey}"
    accept_offline: { max_unsettled: [{ mint: "${mint}", amount: 1000 }], settle_every: ${settleEvery} }
rules: [{ name: premium, match: { path: "/premium/**" }, accept: [cashu], price: ${AMOUNT} }]
`;

const launcher = join(import.meta.dirname, '..', '..', 'bin', 'sallyport.js');

const balanceOf = async ({ directory }: Sallyport) => {
  const config = join(directory, 'sallyport.yaml');
  const args = [launcher, 'wallet', 'balance', '--json', '--config', config];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const [{ received, unsettled, held, faults }] = JSON.parse(stdout).balances;
  return { received, unsettled, held, faults };
};

/** A wallet that does what the challenge asks for. */
const payerOf = async (url: string, gate: Sallyport) => {
  const { headers } = await ask(gate.url, '');
  const lock = PaymentRequest.fromEncodedRequest(String(headers['x-cashu'])).toP2PKOptions();
  assert.ok(lock, 'the challenge asks for a lock');
  const payer = createPayer(url);
  return () => payer.token(AMOUNT, { lock });
};

test('a wallet locks its token as it is asked to, gets in while the mint is silent, and the money is there later', async (t) => {
  const mint = await startMint({ owner: t });
  const slow = await startSallyport({ owner: t, config: configOf(mint.url, '1h') });
  const draw = await payerOf(mint.url, slow);
  for (let count = 0; count < 3; count++) assert.equal(codeOf(await ask(slow.url, await draw())), 'paid');
  assert.equal(mint.faults.seen('/v1/swap'), 0);
  assert.deepEqual(await balanceOf(slow), { received: 0, unsettled: 39, held: 0, faults: [] });
  await until('it is counted', async () =>
    (await (await fetch(`${slow.url}/metrics`)).text()).includes('sallyport_payments_unsettled 3\n'),
  );
  await slow.stop();
  const quick = await startSallyport({ owner: t, config: configOf(mint.url, '1s'), directory: slow.directory });
  await until('the money is ours', async () => (await balanceOf(quick)).held === 39);
  assert.deepEqual(await balanceOf(quick), { received: 39, unsettled: 0, held: 39, faults: [] });
  assert.equal(mint.faults.seen('/v1/swap'), 1);
  const said = slow.output() + quick.output() + JSON.stringify([slow.log(), quick.log()]);
  assert.match(said, /payment_accepted/);
  assert.match(said, /batch_settled/);
  assert.ok(!said.includes(privateKey) && !said.includes('P2PK'), 'neither key nor proofs are in the log');
});
