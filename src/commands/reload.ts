/** `sallyport reload`: asks the running service, by the admin API that the file names, to load the file again. */
import { z } from 'zod';
import { parseAddress } from '../config/address.ts';
import type { Config } from '../config/config.ts';
import { Secret } from '../core/secret.ts';
import { createOutbound, type ExchangeResult } from '../stores/outbound/exchange.ts';
import { type CommandOptions, fail, loadToServe, say } from './load.ts';

/** It fetches, builds and starts before it answers. */
const RELOAD_WITHIN_MS = 120_000;
const MAX_BYTES = 1024 * 1024;

const everyAddress = new Set(['0.0.0.0', '::']);

const urlOf = ({ addr }: NonNullable<Config['admin']>): URL => {
  const { host = '', port = 0 } = parseAddress(addr) ?? {};
  const near = host === '' || everyAddress.has(host) ? '127.0.0.1' : host;
  return new URL(`http://${near.includes(':') ? `[${near}]` : near}:${port}/admin/reload`);
};

const ask = async (admin: NonNullable<Config['admin']>): Promise<ExchangeResult> => {
  const outbound = createOutbound();
  try {
    return await outbound.exchange({
      url: urlOf(admin),
      method: 'POST',
      timeoutMs: RELOAD_WITHIN_MS,
      maxBytes: MAX_BYTES,
      headers: admin.token instanceof Secret ? { authorization: `Bearer ${admin.token.reveal()}` } : {},
    });
  } finally {
    outbound.close();
  }
};

const reloaded = z.object({ outcome: z.string(), generation: z.number(), changed: z.array(z.string()) });
const refused = z.object({ detail: z.string() });

const show = ({ status, body }: ExchangeResult, json: boolean): number => {
  if (json) say(body);
  if (status === 200) {
    const { generation, changed } = reloaded.parse(JSON.parse(body));
    const what = changed.length > 0 ? `differs: ${changed.join(', ')}` : 'nothing differs';
    if (!json) say(`generation ${generation}: ${what}`);
    return 0;
  }
  const why = status === 409 || status === 429 ? refused.parse(JSON.parse(body)).detail : `it answers ${status}`;
  if (!json) fail(status === 401 ? 'it has another admin token: send SIGHUP instead' : why);
  return 1;
};

export const runReload = async (options: CommandOptions): Promise<number> => {
  const loaded = await loadToServe(options);
  if (!loaded) return 1;
  const { admin } = loaded.config;
  if (!admin) {
    fail('the configuration has no admin listener: send SIGHUP instead');
    return 1;
  }
  try {
    return show(await ask(admin), options.json === true);
  } catch (error) {
    fail(`${urlOf(admin).host} cannot be asked: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
};
