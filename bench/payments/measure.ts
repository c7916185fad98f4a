import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { announcedPort, makeDirectory, pinned } from '../servers.ts';
import type { AcceptanceCosts } from './accept-many.ts';
import type { RedemptionCosts } from './redeem-many.ts';

const script = (name: string): string => join(import.meta.dirname, name);

/** Less than a token of either kind. */
const PRICE = 15;

const privateKey = randomBytes(32).toString('hex');

const configFor = (mint: string, name: string, more = ''): string => `store: "sqlite:${name}.db"
cashu: { mints: ["${mint}"]${more} }
rules: [{ name: paid, match: { path: "/paid/**" }, accept: [cashu], price: ${PRICE} }]
`;

const run = async <T>(command: readonly [string, string[]]): Promise<T> => {
  const child = spawn(...command, { stdio: ['ignore', 'pipe', 'inherit'] });
  return JSON.parse(await text(child.stdout)) as T;
};

export type PaymentCosts = Readonly<{ redemption: RedemptionCosts; acceptance: AcceptanceCosts }>;

/** The mint on one processor, redemptions on the other; acceptances, which leave the mint alone, on both. */
export const measurePayments = async (): Promise<PaymentCosts> => {
  const directory = makeDirectory();
  const mint = spawn(...pinned(1, process.execPath, [script('instant-mint.ts')]), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const url = `http://127.0.0.1:${await announcedPort(mint, /listening on (\d+)/)}`;
    const write = (name: string, more?: string): string => {
      const config = join(directory.path, `${name}.yaml`);
      writeFileSync(config, configFor(url, join(directory.path, name), more));
      return config;
    };
    const redeeming = [script('redeem-many.ts'), write('redeem'), url];
    const offline = `{ max_unsettled: [{ mint: "${url}", amount: 1000000000 }], settle_every: 1h }`;
    const lock = `, lock: { private_key: "${privateKey}", accept_offline: ${offline} }`;
    const accepting = [script('accept-many.ts'), write('accept', lock), url, privateKey];
    return {
      redemption: await run<RedemptionCosts>(pinned(0, process.execPath, redeeming)),
      acceptance: await run<AcceptanceCosts>([process.execPath, accepting]),
    };
  } finally {
    mint.kill('SIGINT');
    await once(mint, 'exit');
    directory.remove();
  }
};
