/** What is held at each mint goes where its own settings say, or else the common ones. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createPayer } from '../../examples/play-mint/payer.ts';
import { assemblePayout } from '../../src/assemble/payout.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Payout } from '../../src/paywall/wallet/payout.ts';
import { createSpender } from '../../src/paywall/wallet/spender.ts';
import { startMint } from '../peers/mint.ts';
import { createWorkdir } from '../servers/workdir.ts';
import { collectAll } from './collect.ts';
import { receive } from './taker.ts';
import { openTill } from './till.ts';

const price = { amount: 1, unit: 'sat', buys: { requests: 1 } };
const HELD = 64;

test('mints by the common settings, by a folder, an address or a threshold of their own, and one that keeps all', async (t) => {
  const peers = await Promise.all(Array.from({ length: 5 }, () => startMint({ owner: t })));
  const urls = peers.map(({ url }) => url);
  const [common = '', foldered = '', addressed = '', patient = '', off = ''] = urls;
  const till = await openTill(t, { mints: urls, prices: { premium: price }, timeoutMs: 5_000 });
  for (const url of urls) assert.equal(await till.ask(await createPayer(url).token(HELD)), 'paid');
  await collectAll(till);

  const { path: folder } = createWorkdir('payouts', { after: (end) => t.after(end) });
  const path = join(folder, 'sallyport.yaml');
  const [folderOfAll, folderOfOne] = [join(folder, 'all'), join(folder, 'one')];
  writeFileSync(
    path,
    `cashu:
  payout: { folder: ${folderOfAll}, above: 10, keep: 4 }
  mints:
    - ${common}
    - { url: ${foldered}, payout: { folder: ${folderOfOne}, keep: 0 } }
    - { url: ${addressed}, payout: { to: me@pay.example, above: 40, keep: 0 } }
    - { url: ${patient}, payout: { above: ${HELD} } }
    - { url: ${off}, payout: false }
`,
  );
  const { cashu } = loadConfig({ path, env: {}, insecure: new Set() }).config;

  const asked: string[] = [];
  const payouts: Payout[] = [];
  const { promise: lookedAtAll, resolve } = Promise.withResolvers<void>();
  const now = () => till.clock.nowMs;
  const shared = { ...till, now, holder: 'payout', callMs: 5_000 };
  let pauses = 0;
  const rounds = assemblePayout({
    ...shared,
    cashu,
    spend: createSpender(shared),
    mintAt: (url) => till.mintOf(url) ?? assert.fail(url),
    isAccepted: (url) => urls.includes(url),
    outbound: {
      async exchange({ url }) {
        asked.push(url.href);
        throw new Error('the address does not answer');
      },
      close: () => undefined,
    },
    pause: (_, signal) => {
      pauses += 1;
      if (pauses === 4) resolve();
      return new Promise((end) => signal.addEventListener('abort', () => end()));
    },
    onPayout: (payout) => payouts.push(payout),
    onFailed: (error) => assert.fail(String(error)),
  });
  rounds?.start();
  await lookedAtAll;
  await rounds?.close();

  const told = payouts.map(({ mint, amount, result }) => [mint, amount, result]);
  assert.deepEqual(
    told.toSorted(([a], [b]) => urls.indexOf(String(a)) - urls.indexOf(String(b))),
    [
      [common, HELD - 4, 'exported'],
      [foldered, HELD, 'exported'],
      [addressed, HELD - 10, 'refused'],
    ],
  );
  assert.deepEqual(asked, ['https://pay.example/.well-known/lnurlp/me']);
  for (const [where, url, amount] of [
    [folderOfAll, common, HELD - 4],
    [folderOfOne, foldered, HELD],
  ] as const) {
    const [file = '', ...others] = readdirSync(where);
    assert.deepEqual(others, []);
    assert.equal(await receive(url, readFileSync(join(where, file), 'utf8').trim()), amount);
  }
});
