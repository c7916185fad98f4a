/** `sallyport keys import | verify`. */
import { readFileSync } from 'node:fs';
import { assembleVerify, keyDefaultsOf } from '../assemble/keys.ts';
import { isRefusal } from '../core/refusal.ts';
import { keyImport, toForeignKeys } from '../http/admin/key-requests.ts';
import { showVerdict } from '../http/admin/key-verify.ts';
import { createCreditCharge } from '../keys/credit-charge.ts';
import { createMemoryRateLimiter } from '../stores/memory/rate-limiter.ts';
import { readShape } from './key-fields.ts';
import { type CommandOptions, fail, say } from './load.ts';
import { withKeys } from './with-keys.ts';

const STDIN = 0;

/** Undefined where it cannot be read. */
const readText = (file: string): string | undefined => {
  try {
    return readFileSync(file === '-' ? STDIN : file, 'utf8');
  } catch (error) {
    fail(`${file}: ${error instanceof Error ? error.message : 'cannot be read'}`);
    return undefined;
  }
};

const readKeys = (file: string): readonly unknown[] | undefined => {
  const text = readText(file);
  if (text === undefined) return undefined;
  try {
    const { keys } = JSON.parse(text);
    if (Array.isArray(keys) && keys.length > 0) return keys;
  } catch {
    // A parser quotes what it could not read.
  }
  fail(`${file}: expected JSON of the form { "keys": [ { "user_id", "name", "hash" }, … ] }`);
  return undefined;
};

/** What one call of the admin API takes. */
const AT_ONCE = 1_000;

export const importKeys = (file: string, options: CommandOptions): Promise<number> =>
  withKeys(options, async ({ registry, config }) => {
    const given = readKeys(file);
    if (!given) return 2;
    const batches = [];
    for (let from = 0; from < given.length; from += AT_ONCE) {
      const batch = readShape(keyImport, { keys: given.slice(from, from + AT_ONCE) });
      if (!batch) {
        fail(`of the keys from number ${from + 1} on; nothing was imported`);
        return 2;
      }
      batches.push(toForeignKeys(batch, keyDefaultsOf(config)));
    }
    let imported = 0;
    for (const batch of batches) {
      const outcomes = await registry.importAll(batch);
      imported += outcomes.filter(({ outcome }) => outcome === 'imported').length;
      if (!options.json && batches.length > 1) fail(`${imported} imported so far`);
    }
    const counts = { imported, existing: given.length - imported };
    say(options.json ? JSON.stringify(counts) : `${imported} imported, ${counts.existing} were there before`);
    return 0;
  });

/** The key comes by the standard input: arguments are seen by everybody on the machine, and kept in the shell's history. */
export const verifyKey = (options: CommandOptions & Readonly<{ clientIp?: string }>): Promise<number> =>
  withKeys(options, async ({ registry, store }) => {
    const key = readText('-')?.trim();
    if (key === undefined || key === '') {
      fail('the key is read from the standard input, and there was none');
      return 2;
    }
    const charge = createCreditCharge(store, Date.now);
    const verify = assembleVerify(registry, createMemoryRateLimiter(Date.now), charge, Date.now);
    const verified = await verify({ key, clientIp: options.clientIp, count: false });
    if (isRefusal(verified)) {
      fail(verified.detail);
      return 1;
    }
    const { code, record } = verified;
    if (options.json) say(JSON.stringify(showVerdict(verified, Date.now())));
    else say(record ? `${code}: ${record.id} of ${record.userId}` : code);
    return code === 'valid' ? 0 : 1;
  });
