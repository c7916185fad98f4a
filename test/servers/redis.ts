import { connect } from 'node:net';
import { locate } from './programs.ts';
import { type Server, type ServerOptions, startServer } from './server.ts';

export type RedisOptions = ServerOptions & Readonly<{ settings?: Readonly<Record<string, string>> }>;

/** While Redis loads its data it accepts connections, but answers -LOADING. */
const pongs = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1_000, () => done(false));
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', (data) => done(/^(\+PONG|-NOAUTH)/.test(data.toString('latin1'))));
    socket.once('error', () => done(false));
  });

/** Redis, in memory unless the settings say otherwise (`{ appendonly: 'yes' }`). */
export async function startRedis(options: RedisOptions = {}): Promise<Server> {
  const settings = { bind: '127.0.0.1', save: '', appendonly: 'no', ...options.settings };
  return startServer(options, {
    name: 'redis',
    scheme: 'redis',
    launch: (directory, port) => ({
      command: locate('redis'),
      args: [
        ...['--port', String(port), '--dir', directory],
        ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
      ],
      ready: () => pongs(port),
    }),
  });
}
