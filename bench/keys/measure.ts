import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import pg from 'pg';
import { openPostgresStores } from '../../src/stores/postgres/stores.ts';
import { startPostgres } from '../../test/servers/postgres.ts';
import { settingsOf } from '../../test/servers/postgres-stores.ts';
import { find } from '../../test/servers/programs.ts';
import { fillKeys, newKeys } from '../fixtures.ts';
import { makeDirectory, pinned } from '../servers.ts';
import type { LookUpCosts } from './look-ups.ts';

const KEYS = 1_000_000;
const AT_ONCE = 10_000;

const fillPostgres = async (url: string): Promise<string[]> => {
  // Makes the tables.
  await (await openPostgresStores(settingsOf(url))).close();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const sample: string[] = [];
  for (let made = 0; made < KEYS; made += AT_ONCE) {
    const keys = newKeys(AT_ONCE);
    sample.push(...keys.filter((_, index) => index % 5 === 0).map(({ key }) => key));
    await client.query(
      `INSERT INTO api_keys (id, hash, hint, user_id, name, scopes, metadata, created_at)
        SELECT id, hash, 'sk-…', 'user', 'bench', '[]', '{}', 0 FROM unnest($1::text[], $2::text[]) AS made (id, hash)`,
      [keys.map(({ id }) => id), keys.map(({ hash }) => hash)],
    );
  }
  await client.query('ANALYZE api_keys');
  await client.end();
  return sample;
};

export type KeyCosts = Readonly<{ sqlite: LookUpCosts; postgres: LookUpCosts | undefined }>;

/** A process of its own for each store, with a million keys in it. PostgreSQL is left out where it is not installed. */
export const measureKeys = async (): Promise<KeyCosts> => {
  const directory = makeDirectory();
  const closers: (() => unknown)[] = [];
  const lookUp = async (name: string, store: string, keys: readonly string[]): Promise<LookUpCosts> => {
    const [config, file] = [join(directory.path, `${name}.yaml`), join(directory.path, `${name}.keys`)];
    writeFileSync(config, `store: "${store}"\n`);
    writeFileSync(file, keys.join('\n'));
    const script = join(import.meta.dirname, 'look-ups.ts');
    const child = spawn(...pinned(0, process.execPath, ['--expose-gc', script, config, file]), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    return JSON.parse(await text(child.stdout)) as LookUpCosts;
  };
  try {
    const path = join(directory.path, 'keys.db');
    const sqlite = await lookUp('sqlite', `sqlite:${path}`, fillKeys(path, KEYS));
    if (find('postgres') === undefined) return { sqlite, postgres: undefined };
    const { url } = await startPostgres({ owner: { after: (close) => closers.push(close) } });
    return { sqlite, postgres: await lookUp('postgres', url, await fillPostgres(url)) };
  } finally {
    for (const close of closers.toReversed()) await close();
    directory.remove();
  }
};
