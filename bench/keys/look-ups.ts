/** Looks keys up that were never seen, in a store that has a million of them. Run with `--expose-gc`; prints JSON. */
import { readFileSync } from 'node:fs';
import { openStores } from '../../src/assemble/stores.ts';
import { loadConfig } from '../../src/config/load.ts';
import { createKeyRegistry } from '../../src/keys/registry.ts';

/** Microseconds for each look-up, and bytes for each key that is cached. */
export type LookUpCosts = Readonly<{ aloneUs: number; atOnceUs: number; cachedBytes: number }>;

const ALONE = 2_000;
const AT_ONCE = 64;
const MEASURED = 20_000;
const CACHED = 100_000;

const [path = '', keysFile = ''] = process.argv.slice(2);
const keys = readFileSync(keysFile, 'utf8').split('\n');
if (keys.length < ALONE + MEASURED + CACHED) throw new Error('there are too few keys to look up');
const { config } = loadConfig({ path, env: {}, insecure: new Set() });
const stores = await openStores(config);
const registry = createKeyRegistry(stores.keys, {
  prefix: 'sk-',
  maxAgeMs: 3_600_000,
  cacheSize: keys.length,
  now: Date.now,
});

const find = async (key: string): Promise<void> => {
  if (!(await registry.find(key))) throw new Error('a key that was made is not found');
};

const findAtOnce = async (some: readonly string[]): Promise<void> => {
  for (let at = 0; at < some.length; at += AT_ONCE) await Promise.all(some.slice(at, at + AT_ONCE).map(find));
};

const microsecondsEach = async (count: number, run: (some: readonly string[]) => Promise<void>): Promise<number> => {
  const some = keys.splice(0, count);
  const startedAt = performance.now();
  await run(some);
  return ((performance.now() - startedAt) * 1_000) / count;
};

const usedBytes = (): number => {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

await findAtOnce(keys.splice(-AT_ONCE * 20));
const aloneUs = await microsecondsEach(ALONE, async (some) => {
  for (const key of some) await find(key);
});
const atOnceUs = await microsecondsEach(MEASURED, findAtOnce);
const some = keys.splice(0, CACHED - AT_ONCE * 20);
const before = usedBytes();
await findAtOnce(some);
const costs: LookUpCosts = { aloneUs, atOnceUs, cachedBytes: (usedBytes() - before) / some.length };
console.log(JSON.stringify(costs));
await stores.close();
