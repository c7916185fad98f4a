import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Ports, substitute } from './addresses.ts';
import type { Owner } from './last-resort.ts';
import { accepts } from './probe.ts';
import { type Server, startServer } from './server.ts';

/** The address that every example configuration gives to the proxy itself. */
const ownAddress = '127.0.0.1:8000';

export type ProxyOptions = Readonly<{
  /** A configuration as users read it, with literal addresses. */
  config: string;
  /** What stands in for each address; the proxy's own, 127.0.0.1:8000, may be left out. */
  ports: Ports;
  /** Files that the configuration names by relative path; addresses in them are put right too. */
  files?: Readonly<Record<string, string>>;
  env?: Readonly<Record<string, string>>;
  owner?: Owner;
}>;

type How = Readonly<{
  name: string;
  /** The configuration as a file, and the files that the program needs around it. */
  files: Readonly<Record<string, string>>;
  command: string;
  args: readonly string[];
  env?: (directory: string) => Readonly<Record<string, string>>;
}>;

/** Starts a proxy in a directory of its own, and waits until it accepts. */
export function startProxy({ ports, files, env, owner }: ProxyOptions, how: How): Promise<Server> {
  const own = ports[ownAddress];
  return startServer(
    { ...(own === undefined ? {} : { port: own }), ...(owner && { owner }) },
    {
      name: how.name,
      launch: (directory, port) => {
        for (const [name, text] of Object.entries({ ...files, ...how.files })) {
          mkdirSync(dirname(join(directory, name)), { recursive: true });
          writeFileSync(join(directory, name), substitute(text, { ...ports, [ownAddress]: port }));
        }
        return {
          command: how.command,
          args: how.args,
          env: { ...how.env?.(directory), ...env },
          ready: () => accepts(port),
        };
      },
    },
  );
}
