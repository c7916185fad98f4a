import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { announcedPort, makeDirectory, pinned } from '../servers.ts';
import type { RedemptionCosts } from './redeem-many.ts';

const script = (name: string): string => join(import.meta.dirname, name);

/** The mint on one processor, everything that takes payments on the other. */
export const measurePayments = async (): Promise<RedemptionCosts> => {
  const directory = makeDirectory();
  const mint = spawn(...pinned(1, process.execPath, [script('instant-mint.ts')]), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const url = `http://127.0.0.1:${await announcedPort(mint, /listening on (\d+)/)}`;
    const config = join(directory.path, 'sallyport.yaml');
    writeFileSync(
      config,
      `store: "sqlite:${join(directory.path, 'bench.db')}"
cashu: { mints: ["${url}"] }
rules: [{ name: paid, match: { path: "/paid/**" }, accept: [cashu], price: 255 }]
`,
    );
    const args = pinned(0, process.execPath, [script('redeem-many.ts'), config, url]);
    const child = spawn(...args, { stdio: ['ignore', 'pipe', 'inherit'] });
    return JSON.parse(await text(child.stdout)) as RedemptionCosts;
  } finally {
    mint.kill('SIGINT');
    await once(mint, 'exit');
    directory.remove();
  }
};
