import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Owner } from '../servers/last-resort.ts';

/** Stands in for a service's address, as a cluster's does: what is behind it may change, or be gone. */
export type Relay = Readonly<{
  port: number;
  /** How many connections have come so far. */
  connections(): number;
  /** New connections go there; those that are open stay where they are. */
  turnTo(port: number): void;
  /** Refuses new connections and cuts those that are open, as a dead machine does. */
  close(): Promise<void>;
  open(): Promise<void>;
}>;

const join = (from: Socket, to: Socket): void => {
  from.pipe(to);
  from.once('error', () => to.destroy());
  from.once('close', () => to.destroySoon());
};

/** A TCP relay on a free loopback port. */
export async function startRelay(target: number, owner: Owner): Promise<Relay> {
  const ends = new Set<Socket>();
  let behind = target;
  let connections = 0;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    connections += 1;
    const far = connect({ port: behind, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    for (const end of [near, far]) {
      ends.add(end);
      end.once('close', () => ends.delete(end));
    }
    join(near, far);
    join(far, near);
  });
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  const close = async () => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    for (const end of ends) end.destroy();
    await closed;
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  owner.after(close);
  return {
    port,
    connections: () => connections,
    turnTo: (next) => {
      behind = next;
    },
    close,
    open: () => listen(port),
  };
}
