import { type Browser, chromium } from 'playwright-core';
import type { Owner } from './last-resort.ts';
import { locate } from './programs.ts';

/** As root it needs `--no-sandbox`; nothing is fetched in the background. */
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--disable-background-networking',
];

/** Chromium without a window. Names below example.com lead to this machine. */
export const startChromium = async (owner: Owner): Promise<Browser> => {
  const browser = await chromium.launch({
    executablePath: locate('chromium'),
    args: ['--headless=new', '--host-resolver-rules=MAP *.example.com 127.0.0.1', ...flags],
  });
  owner.after(() => browser.close());
  return browser;
};
