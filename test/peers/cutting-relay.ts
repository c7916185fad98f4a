/** A TCP relay that breaks a connection at a word that the client says: before the server hears it, or after it answered. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Owner } from '../servers/last-resort.ts';

export type Cut = 'before' | 'after' | 'never answered';

export type CuttingRelay = Readonly<{
  port: number;
  /** The next so many times that `word` is said. */
  cut(word: string, when: Cut, times?: number): void;
  /** How many cuts there were. */
  cuts(): number;
}>;

type Plan = { word: string; when: Cut; left: number };

export const startCuttingRelay = async (target: number, owner: Owner): Promise<CuttingRelay> => {
  const ends = new Set<Socket>();
  let plan: Plan | undefined;
  let cuts = 0;

  const planFor = (chunk: Buffer): Plan | undefined => {
    if (!plan || plan.left === 0 || !chunk.includes(plan.word)) return undefined;
    plan.left -= 1;
    cuts += 1;
    return plan;
  };

  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ port: target, host: '127.0.0.1', noDelay: true });
    let answersTo: (chunk: Buffer) => void = (chunk) => near.write(chunk);
    const end = () => {
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) {
      ends.add(socket);
      socket.once('error', end);
      socket.once('close', () => {
        ends.delete(socket);
        end();
      });
    }
    near.on('data', (chunk: Buffer) => {
      const found = planFor(chunk);
      if (found?.when === 'before') return end();
      if (found) answersTo = found.when === 'after' ? end : () => undefined;
      far.write(chunk);
    });
    far.on('data', (chunk: Buffer) => answersTo(chunk));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  owner.after(async () => {
    for (const end of ends) end.destroy();
    server.close();
  });

  return {
    port: (server.address() as AddressInfo).port,
    cut: (word, when, times = 1) => {
      plan = { word, when, left: times };
    },
    cuts: () => cuts,
  };
};
