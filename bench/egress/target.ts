import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startNginx } from '../../test/servers/nginx.ts';
import { makeDirectory, onProcessor } from '../servers.ts';

type Closing = { defer(close: () => unknown): void };

/** Of the files, whose names are their bytes. */
export const sizes = { '1 KiB': 1024, '1 MiB': 1024 * 1024 } as const;

/** Answers files, from the processor of those who ask. */
export const startTarget = async (closing: Closing): Promise<Readonly<{ url: string; port: number }>> => {
  const directory = makeDirectory();
  closing.defer(directory.remove);
  for (const bytes of Object.values(sizes))
    writeFileSync(join(directory.path, String(bytes)), Buffer.alloc(bytes, 'x'));
  const server = await startNginx({
    config: `server { listen 127.0.0.1:8000; keepalive_requests 1000000; sendfile on; location / { root ${directory.path}; open_file_cache max=10; } }`,
    ports: {},
    owner: { after: closing.defer },
  });
  onProcessor(1, server.pid);
  return server;
};
