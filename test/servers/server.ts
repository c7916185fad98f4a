import { freePort } from './free-port.ts';
import type { Owner } from './last-resort.ts';
import { type Launch, launch, type Running } from './process.ts';
import { createWorkdir } from './workdir.ts';

export type ServerOptions = Readonly<{
  /** To start again at the port that clients know. A free one without it. */
  port?: number;
  /** To start again on the data of before. A given directory stays; without one it has its own, removed at its end. */
  directory?: string;
  owner?: Owner;
}>;

export type Server = Running & Readonly<{ url: string; port: number; directory: string }>;

type Way = Readonly<{ name: string; scheme?: string; launch(directory: string, port: number): Launch }>;

/** Starts a program that listens on one loopback port and keeps its files in one directory, its working directory. */
export async function startServer({ port: wanted, directory: kept, owner }: ServerOptions, way: Way): Promise<Server> {
  const port = wanted ?? (await freePort());
  const { path: directory, remove } = kept === undefined ? createWorkdir(way.name) : { path: kept, remove: () => {} };
  try {
    const running = await launch({ cwd: directory, ...way.launch(directory, port) });
    const stop = async () => {
      await running.stop();
      remove();
    };
    owner?.after(stop);
    const url = `${way.scheme ?? 'http'}://127.0.0.1:${port}`;
    return { ...running, url, port, directory, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    remove();
    throw error;
  }
}
