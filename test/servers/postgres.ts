import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chownSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { locate } from './programs.ts';
import { type Server, type ServerOptions, startServer } from './server.ts';

export type PostgresOptions = ServerOptions &
  Readonly<{
    /** Of `postgresql.conf`. fsync is off unless set: a killed process loses nothing by it, only a lost machine would. */
    settings?: Readonly<Record<string, string>>;
  }>;

/** PostgreSQL refuses to run as root; this is the user `nobody` of every Linux. */
const nobody = 65_534;
const isRoot = process.getuid?.() === 0;
const asNobody = ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'];

function commandLine(program: string, args: readonly string[]): { command: string; args: string[] } {
  const [command = program, ...rest] = [...(isRoot ? asNobody : []), join(locate('postgres'), program), ...args];
  return { command, args: rest };
}

function run(directory: string, program: string, ...given: string[]): boolean {
  const { command, args } = commandLine(program, given);
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: directory, encoding: 'utf8' });
  if (status !== 0 && program === 'initdb') throw new Error(`initdb failed: ${error ?? `${stdout}${stderr}`}`);
  return status === 0;
}

/** Runs SQL in the database of this URL, in a session of its own. Gives the rows of the last statement. */
export async function ask(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return [await client.query(sql)].flat().at(-1)?.rows ?? [];
  } finally {
    await client.end();
  }
}

/** An empty database of its own on a running server: its URL. */
export async function createDatabase({ url }: Pick<Server, 'url'>): Promise<string> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await ask(url, `CREATE DATABASE ${name}`);
  return url.replace(/\/[^/]*$/, `/${name}`);
}

/** PostgreSQL with an empty database `postgres`, whose only user `sallyport` needs no password. */
export async function startPostgres(options: PostgresOptions = {}): Promise<Server> {
  const settings = {
    fsync: 'off',
    full_page_writes: 'off',
    dynamic_shared_memory_type: 'mmap', // files in its directory; a killed server would leave others in /dev/shm
    ...options.settings,
  };
  const server = await startServer(options, {
    name: 'postgres',
    scheme: 'postgres',
    launch: (directory, port) => {
      const data = join(directory, 'data');
      if (isRoot) chownSync(directory, nobody, nobody);
      if (!existsSync(data)) {
        run(directory, 'initdb', '-D', data, '-U', 'sallyport', '-A', 'trust', '-E', 'UTF8', '--no-sync', '--locale=C');
      }
      return {
        ...commandLine('postgres', [
          ...['-D', data, '-k', '', '-h', '127.0.0.1', '-p', String(port)],
          ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
        ]),
        ready: () => run(directory, 'pg_isready', '-q', '-h', '127.0.0.1', '-p', String(port)),
        stopSignal: 'SIGINT', // ends sessions at once; SIGTERM would wait for them
      };
    },
  });
  return { ...server, url: `postgres://sallyport@127.0.0.1:${server.port}/postgres` };
}
