/** A TCP relay in front of a server, which can turn into a server that is gone, silent, slow or mad. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Owner } from '../servers/last-resort.ts';

export type Mood =
  /** As the server behind it. */
  | 'good'
  /** Takes connections and questions, and says nothing. */
  | 'silent'
  /** Ends each connection as soon as it is there. */
  | 'refusing'
  /** Answers every question with bytes of no protocol. */
  | 'garbage'
  /** Begins an answer that does not end. */
  | 'endless'
  /** Answers every question with an error, as Redis writes it. */
  | 'failing';

export type FaultyRelay = Readonly<{
  port: number;
  /** From now on, on connections that are open as well. */
  become(mood: Mood): void;
  /** How many connections are open to it. */
  connections(): number;
  /** How many there were. */
  seen(): number;
}>;

const garbage = Buffer.from(Array.from({ length: 4_096 }, (_, index) => (index * 31) % 256));

const answers: Readonly<Partial<Record<Mood, Buffer>>> = {
  garbage,
  endless: Buffer.from(`$1000000000\r\n${'x'.repeat(65_536)}`),
  failing: Buffer.from("-OOM command not allowed when used memory > 'maxmemory'.\r\n"),
};

/** Clients send several commands at once, each of which wants its answer. */
const questionsIn = (chunk: Buffer): number => chunk.toString('latin1').match(/(?<=^|\r\n)\*\d+\r\n/g)?.length ?? 1;

export const startFaultyRelay = async (target: number, owner: Owner): Promise<FaultyRelay> => {
  const open = new Set<Socket>();
  let mood: Mood = 'good';
  let seen = 0;

  const server = createServer({ noDelay: true }, (near) => {
    seen += 1;
    if (mood === 'refusing') {
      near.destroy();
      return;
    }
    const far = connect({ port: target, host: '127.0.0.1', noDelay: true });
    const end = () => {
      near.destroy();
      far.destroy();
      open.delete(near);
    };
    open.add(near);
    for (const socket of [near, far]) socket.on('error', end).on('close', end);
    near.on('data', (chunk: Buffer) => {
      const answer = answers[mood];
      const questions = mood === 'failing' ? questionsIn(chunk) : 1;
      if (answer) for (let left = questions; left > 0; left -= 1) near.write(answer);
      else if (mood === 'good') far.write(chunk);
    });
    far.on('data', (chunk: Buffer) => {
      if (mood === 'good') near.write(chunk);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  owner.after(async () => {
    for (const socket of open) socket.destroy();
    server.close();
  });

  return {
    port: (server.address() as AddressInfo).port,
    become(next) {
      mood = next;
      if (next === 'refusing') for (const socket of open) socket.destroy();
    },
    connections: () => open.size,
    seen: () => seen,
  };
};
