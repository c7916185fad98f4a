/**
 * `npm run demo`: the gate on a sample configuration, a mint of play money, a sample JWT issuer, and, where nginx is
 * installed, a real nginx with a tiny application behind. Everything lives on loopback and in one temporary directory.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../test/servers/free-port.ts';
import { startNginx } from '../../test/servers/nginx.ts';
import { find } from '../../test/servers/programs.ts';
import { createPayer } from '../play-mint/payer.ts';
import { start as startMint } from '../play-mint/server.ts';
import { start as startIssuer } from '../sample-issuer/server.ts';
import { startApplication } from './application.ts';
import { startCounter } from './counter.ts';
import { linesFor, printed } from './lines.ts';

const root = join(import.meta.dirname, '..', '..');
const data = mkdtempSync(join(tmpdir(), 'sallyport-demo-'));
const closers: (() => void | Promise<void>)[] = [() => rmSync(data, { recursive: true, force: true })];
const PRICE = 64;

const cleanUp = async (): Promise<void> => {
  for (const close of closers.splice(0).toReversed()) await close();
};

const startGate = async (mintUrl: string, issuerUrl: string) => {
  const port = await freePort();
  const adminPort = await freePort();
  const adminToken = randomBytes(24).toString('hex');
  const gate = spawn(
    process.execPath,
    [join(root, 'bin', 'sallyport.js'), '--config', join(root, 'examples/demo/sallyport.yaml')],
    {
      // A process group of its own: Ctrl-C reaches the demo alone, which then stops everything in order.
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        PATH: process.env['PATH'] ?? '',
        DEMO_PORT: String(port),
        DEMO_ADMIN_PORT: String(adminPort),
        DEMO_ADMIN_TOKEN: adminToken,
        DEMO_DATA: data,
        DEMO_MINT_URL: mintUrl,
        DEMO_ISSUER_URL: issuerUrl,
      },
    },
  );
  const ended = once(gate, 'exit');
  closers.push(async () => {
    gate.kill('SIGINT');
    await ended;
  });
  await Promise.race([
    once(gate.stdout, 'data'),
    ended.then(() => Promise.reject(new Error('the gate did not start'))),
  ]);
  gate.stdout.resume();
  return { url: `http://127.0.0.1:${port}`, port, adminUrl: `http://127.0.0.1:${adminPort}`, adminToken };
};

const createKey = async (adminUrl: string, token: string): Promise<string> => {
  const response = await fetch(`${adminUrl}/api/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ user_id: 'bob', name: 'demo' }),
  });
  const { key } = (await response.json()) as { key: string };
  return key;
};

const startFront = async (gatePort: number): Promise<string | undefined> => {
  if (find('nginx') === undefined) return undefined;
  const application = await startApplication();
  closers.push(application.stop);
  const nginx = await startNginx({
    config: readFileSync(join(root, 'examples/nginx/challenge.conf'), 'utf8'),
    ports: { '127.0.0.1:8080': gatePort, '127.0.0.1:3000': application.port },
  });
  closers.push(nginx.stop);
  return nginx.url;
};

const run = async (): Promise<void> => {
  const mint = await startMint();
  closers.push(mint.stop);
  const issuer = await startIssuer();
  closers.push(issuer.stop);
  const counter = await startCounter(createPayer(mint.url), issuer.issuer, PRICE, 0);
  closers.push(counter.stop);
  const gate = await startGate(mint.url, issuer.url);
  const apiKey = await createKey(gate.adminUrl, gate.adminToken);
  const front = await startFront(gate.port);
  const common = { counterUrl: counter.url, apiKey };

  console.log('\nAsk the gate itself:\n');
  console.log(printed(linesFor({ base: `${gate.url}/auth/native`, ...common })));
  if (front === undefined) {
    console.log('Install nginx and start the demo again to try the same through a real ingress.\n');
  } else {
    console.log('The same through nginx, with an application behind:\n');
    console.log(printed(linesFor({ base: front, ...common })));
  }
  console.log(`Configuration: examples/demo/sallyport.yaml. Metrics: curl ${gate.url}/metrics`);
  console.log('Ctrl-C ends it and leaves nothing behind.');
};

/** The listeners stay: npm passes its own copy of a Ctrl-C on, and that one must not end the cleaning up. */
const stop = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => resolve());
});
try {
  await run();
  await stop;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await cleanUp();
}
