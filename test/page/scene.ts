/** A shop behind a real proxy, seen in a real browser. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { createPayer } from '../../examples/play-mint/payer.ts';
import { encodeToken } from '../../examples/play-mint/token.ts';
import { startEchoApp } from '../peers/echo-app.ts';
import { startMint } from '../peers/mint.ts';
import { activeKeyset, blank, wire } from '../peers/purse.ts';
import { example } from '../proxies/line-up.ts';
import { startTraefikStandIn } from '../proxies/traefik-stand-in.ts';
import { startSallyport } from '../sallyport.ts';
import { startChromium } from '../servers/chromium.ts';
import { startEnvoy } from '../servers/envoy.ts';
import type { Owner } from '../servers/last-resort.ts';
import { startNginx } from '../servers/nginx.ts';
import { locate } from '../servers/programs.ts';
import { createWorkdir } from '../servers/workdir.ts';

export const PRICE = 8;

const rules = `
rules:
  - { name: films, match: { path: "/films/**" }, accept: [cashu], price: { amount: ${PRICE}, buys: { requests: 2 } } }
  - { name: once, match: { path: "/once/**" }, accept: [cashu], price: ${PRICE} }
  - name: reports
    match: { path: "/reports/**" }
    accept: [cashu]
    price:
      - { amount: ${PRICE}, unit: sat, buys: { time: 1h } }
      - { amount: 50, unit: usd, mints: "https://mint.with-a-long-name.example.org/Bitcoin/and/more", buys: { time: 1h } }
    free: { requests: 1, per: 1d }
`;

const nginxConfig = example('nginx/challenge.conf');

/** As it was before there was a page. */
const withoutDoor = nginxConfig.replace(/ +location \^~ \/\.sallyport\/ \{[^}]*\}\n/, '');

/** A certificate that nobody signed, for an hour's use. */
const certificate = () => {
  const { path, remove } = createWorkdir('certificate');
  const files = { key: join(path, 'key.pem'), cert: join(path, 'cert.pem') };
  const subject = ['-subj', '/CN=shop.example.com', '-addext', 'subjectAltName=DNS:shop.example.com'];
  const out = ['-keyout', files.key, '-out', files.cert, '-days', '1'];
  execFileSync(locate('openssl'), ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject, ...out], {
    stdio: 'pipe',
  });
  const texts = { 'key.pem': readFileSync(files.key, 'utf8'), 'cert.pem': readFileSync(files.cert, 'utf8') };
  remove();
  return texts;
};

const withTls = nginxConfig.replace(
  'listen 127.0.0.1:8000;',
  'listen 127.0.0.1:8000 ssl;\n    ssl_certificate cert.pem;\n    ssl_certificate_key key.pem;',
);

export const openScene = async (owner: Owner) => {
  const [mint, app, browser] = await Promise.all([startMint({ owner }), startEchoApp({ owner }), startChromium(owner)]);
  const mints = `{ url: "${mint.url}", units: [sat] }, { url: "https://mint.with-a-long-name.example.org/Bitcoin/and/more", units: [usd] }`;
  const config = `cashu: { mints: [${mints}] }\n${rules}`;
  const gate = await startSallyport({ owner, config });
  const ports = { '127.0.0.1:8080': gate.port, '127.0.0.1:3000': app.port };
  const payer = createPayer(mint.url);
  const fronts = {
    nginx: () => startNginx({ config: nginxConfig, ports, owner }),
    'nginx with TLS': () => startNginx({ config: withTls, files: certificate(), ports, owner }),
    'nginx without the way to Sallyport': () => startNginx({ config: withoutDoor, ports, owner }),
    Envoy: () => startEnvoy({ config: example('envoy/envoy.yaml'), ports, owner }),
    'a stand-in for Traefik': () => startTraefikStandIn(example('traefik/dynamic.yaml'), ports, owner),
  };
  const started = new Map<string, number>();
  const portOf = async (front: keyof typeof fronts): Promise<number> => {
    const port = started.get(front) ?? (await fronts[front]()).port;
    started.set(front, port);
    return port;
  };

  return {
    mint,
    app,
    gate,
    payer,

    /** A tab of a new visitor, and what it asked for and complained of. */
    async visit(path: string, front: keyof typeof fronts = 'nginx', options: BrowserContextOptions = {}) {
      const scheme = front === 'nginx with TLS' ? 'https' : 'http';
      const origin = `${scheme}://shop.example.com:${await portOf(front)}`;
      const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options });
      owner.after(() => context.close());
      const page = await context.newPage();
      const asked: string[] = [];
      const complaints: string[] = [];
      page.on('request', (request) => asked.push(request.url()));
      page.on('console', (message) => {
        if (/security policy/i.test(message.text())) complaints.push(message.text());
      });
      page.on('pageerror', (error) => complaints.push(error.message));
      const answer = await page.goto(origin + path);
      return { page, context, origin, asked, complaints, status: answer?.status() };
    },

    /** A token whose money is gone. */
    async spentToken(): Promise<string> {
      const proofs = await payer.proofs(PRICE, { coins: [PRICE] });
      mint.mint.swap(proofs.map(wire), blank(activeKeyset(mint.mint), [PRICE]).outputs);
      return encodeToken({ mint: mint.url, unit: 'sat', proofs });
    },
  };
};

export const fieldOf = (page: Page) => page.getByRole('textbox', { name: 'Cashu token' });

export const handIn = async (page: Page, token: string): Promise<void> => {
  await fieldOf(page).fill(token);
  await page.getByRole('button', { name: 'Pay and continue' }).click();
};

/** What the application answered is on the screen: the request that reached it. */
export const untilOpened = async (page: Page, path: string): Promise<void> => {
  await page.getByText(`"url":"${path}"`).waitFor();
};
