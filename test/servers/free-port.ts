import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

// Below every system's ephemeral range (Linux from 32768), for a port from that range is soon taken again
// by some client's outgoing connection, between our looking and the server's binding.
const lowest = 20_000;
const highest = 32_000;

const isFree = (port: number) =>
  new Promise<boolean>((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });

/** As many distinct free loopback ports as asked for. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  for (let tries = 0; found.size < count && tries < count * 200; tries++) {
    const port = randomInt(lowest, highest);
    if (!found.has(port) && (await isFree(port))) found.add(port);
  }
  if (found.size < count) throw new Error(`Found only ${found.size} of ${count} free ports on 127.0.0.1`);
  return [...found];
}

/** One free loopback port. */
export async function freePort(): Promise<number> {
  for (const port of await freePorts(1)) return port;
  throw new Error('unreachable: freePorts gives as many as asked for');
}
