import { copyFileSync, cpSync, mkdirSync, realpathSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { answers } from './probe.ts';
import { locate } from './programs.ts';
import { type Server, type ServerOptions, startServer } from './server.ts';

export type KeycloakOptions = ServerOptions &
  Readonly<{
    /** Files of realms, each called `NAME-realm.json`. They are imported at the start. */
    realms: readonly string[];
  }>;

/** What it never writes to. Its database is its own. */
const shared = ['lib', 'conf', 'providers', 'themes'];

/** The real Keycloak, by plain HTTP; a realm is at `/realms/NAME`. It is there after ten seconds of a processor. */
export async function startKeycloak({ realms, ...options }: KeycloakOptions): Promise<Server> {
  const program = realpathSync(locate('keycloak'));
  const installed = join(program, '../..');
  const names = realms.map((file) => basename(file, '-realm.json'));
  return startServer(options, {
    name: 'keycloak',
    launch(directory, port) {
      const imported = join(directory, 'data/import');
      mkdirSync(imported, { recursive: true });
      for (const name of shared) symlinkSync(join(installed, name), join(directory, name));
      cpSync(join(installed, 'data/h2'), join(directory, 'data/h2'), { recursive: true });
      for (const file of realms) copyFileSync(file, join(imported, basename(file)));
      return {
        command: program,
        args: [
          ...['start', '--optimized', '--import-realm', '--http-enabled=true', '--hostname-strict=false'],
          ...['--http-host=127.0.0.1', `--http-port=${port}`, `-Dkc.home.dir=${directory}`],
        ],
        env: { JAVA_OPTS_APPEND: '-XX:TieredStopAtLevel=1' },
        ready: async () => {
          const found = names.map((name) => answers(`http://127.0.0.1:${port}/realms/${name}`));
          return (await Promise.all(found)).every(Boolean);
        },
        readyMs: 180_000,
        graceMs: 10_000,
      };
    },
  });
}
