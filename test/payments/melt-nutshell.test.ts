/** Paying by Lightning between two real Nutshell mints, by the command line, to an invoice and to a Lightning address. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createPayer } from '../../examples/play-mint/payer.ts';
import { droppedAfter, withFaults } from '../peers/faults.ts';
import { listen } from '../peers/loopback.ts';
import { startSallyport } from '../sallyport.ts';
import { startNutshell } from '../servers/nutshell.ts';
import { needs } from '../servers/programs.ts';
import { until } from '../servers/until.ts';
import { createWorkdir } from '../servers/workdir.ts';

const launcher = join(import.meta.dirname, '..', '..', 'bin', 'sallyport.js');

type Ran = Readonly<{ status: number; stdout: string; stderr: string }>;

const run = (args: readonly string[], env: Record<string, string>): Promise<Ran> => {
  const { promise, resolve } = Promise.withResolvers<Ran>();
  const options = { env: { PATH: process.env['PATH'] ?? '', ...env } };
  execFile(process.execPath, [launcher, ...args], options, (error, stdout, stderr) => {
    resolve({ status: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr });
  });
  return promise;
};

/** A self-signed certificate of localhost. */
const makeCertificate = (t: TestContext): Readonly<{ key: string; cert: string; file: string }> => {
  const { path, remove } = createWorkdir('certificate');
  t.after(remove);
  const [key, cert] = [join(path, 'key.pem'), join(path, 'cert.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-x509', '-days', '2'];
  execFileSync('openssl', ['req', ...kind, '-keyout', key, '-out', cert, ...subject], { stdio: 'pipe' });
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8'), file: cert };
};

const invoiceAt = async (mint: string, amount: number): Promise<string> => {
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ amount, unit: 'sat' });
  const answer = await fetch(`${mint}/v1/mint/quote/bolt11`, { method: 'POST', headers, body });
  const { request } = (await answer.json()) as { request: string };
  return request;
};

/** A server of Lightning addresses whose invoices are the other mint's. `lie`: what it adds to the amount. */
const startAddresses = async (t: TestContext, mint: string) => {
  const { key, cert, file } = makeCertificate(t);
  const control = { lie: 0, callbackHost: '', asked: 0 };
  const server = createServer({ key, cert }, async (request, response) => {
    const { port } = server.address() as AddressInfo;
    const url = new URL(request.url ?? '', `https://localhost:${port}`);
    const msat = Number(url.searchParams.get('amount') ?? 0);
    response.setHeader('content-type', 'application/json');
    if (msat > 0) {
      control.asked += 1;
      response.end(JSON.stringify({ pr: await invoiceAt(mint, msat / 1_000 + control.lie), routes: [] }));
      return;
    }
    const callback = `https://${control.callbackHost || `localhost:${port}`}/callback?id=7`;
    const range = { minSendable: 1_000, maxSendable: 500_000 };
    response.end(JSON.stringify({ tag: 'payRequest', callback, ...range, metadata: '[]' }));
  });
  server.listen(0, 'localhost');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { control, file, address: `Ann@localhost:${(server.address() as AddressInfo).port}` };
};

test(
  'Nutshell: melt across two mints, also where the answer is lost, and the books agree',
  needs('nutshell'),
  async (t) => {
    const [own, other] = await Promise.all([
      startNutshell({ owner: t, inputFeePpk: 100 }),
      startNutshell({ owner: t, settings: { MINT_PRIVATE_KEY: 'another one' } }),
    ]);
    const { respond, faults } = withFaults(async ({ method, url, body }) => {
      const sent = method === 'GET' ? {} : { body, headers: { 'content-type': 'application/json' } };
      const response = await fetch(`${own.url}${url}`, { method, ...sent });
      return { status: response.status, headers: { 'content-type': 'application/json' }, body: await response.text() };
    });
    const { url } = await listen(respond, t);
    const { control, file, address } = await startAddresses(t, other.url);
    const config = `
cashu: { mints: ["${url}"], encryption_key: "${randomBytes(32).toString('base64')}" }
rules: [{ name: paid, match: { path: "/paid/**" }, accept: [cashu], price: 8 }]
`;
    const gate = await startSallyport({ config, owner: t });
    const token = await createPayer(url).token(1_000);
    const paid = await fetch(`${gate.url}/auth/native/paid/1`, { headers: { 'x-cashu': token } });
    assert.equal(paid.status, 200);
    await until('it is collected', async () =>
      /sallyport_proofs_total\{/.test(await (await fetch(`${gate.url}/metrics`)).text()),
    );
    const env = { NODE_EXTRA_CA_CERTS: file };
    const wallet = (...args: string[]) =>
      run(['wallet', ...args, '--config', join(gate.directory, 'sallyport.yaml')], env);
    const melt = (amount: number, to: string) =>
      wallet('melt', '--mint', url, '--amount', String(amount), '--to', to, '--json');
    const books = async () => JSON.parse((await wallet('balance', '--check', '--json')).stdout).balances[0];
    const before = (await books()).held;

    const invoice = await invoiceAt(other.url, 100);
    const first = await melt(100, invoice);
    assert.deepEqual([first.status, first.stderr], [0, '']);
    assert.equal(JSON.parse(first.stdout).result, 'settled');
    assert.match((await melt(100, invoice)).stderr, /paid before/);
    const byAddress = await melt(50, address);
    assert.deepEqual([byAddress.status, byAddress.stderr], [0, '']);
    assert.equal(JSON.parse(byAddress.stdout).payee, address.toLowerCase());

    control.lie = 1;
    assert.match((await melt(50, address)).stderr, /the invoice is of 51000 msat/);
    control.lie = 0;
    control.callbackHost = '127.0.0.1:1';
    assert.match((await melt(50, address)).stderr, /127\.0\.0\.1 is refused/);
    control.callbackHost = '';
    assert.match((await melt(600, address)).stderr, /takes 1000 to 500000 msat/);
    assert.equal(control.asked, 2);

    faults.set('/v1/melt/bolt11', droppedAfter, { times: 1 });
    const lost = await melt(70, await invoiceAt(other.url, 70));
    assert.equal(lost.status, 0, lost.stderr);

    const { held, melted, fees, under_way, faults: found, mint_says: said } = await books();
    assert.deepEqual([melted, under_way, found], [220, 0, []]);
    assert.equal(held, before - 220 - fees);
    assert.ok(fees >= 3 && fees <= 12, `${fees} of fees`);
    assert.deepEqual([said.held.UNSPENT.amount, said.held.SPENT.amount], [held, 0]);
    const { entries } = JSON.parse((await wallet('history', '--json')).stdout);
    const amounts = entries.map(({ kind, amount }: Record<string, unknown>) => `${kind} ${amount}`);
    assert.deepEqual(amounts, ['melt 70', 'melt 50', 'melt 100', 'payment 1000']);
    assert.equal((await wallet('melt', '--mint', url, '--amount', '5')).status, 2);

    gate.signal('SIGTERM');
    await gate.exited();
    const payout = `payout: { to: "${address.toLowerCase()}", above: 300, keep: 300 }, mints:`;
    const { directory } = gate;
    const next = await startSallyport({ config: config.replace('mints:', payout), owner: t, directory, env });
    await until('it is paid out', () =>
      next.log().some(({ event, result }) => event === 'payout' && result === 'paid'),
    );
    const then = await books();
    assert.equal(then.held, before - then.melted - then.fees);
    assert.ok(then.held >= 300 && then.held < 320, `${then.held} are kept`);
  },
);
