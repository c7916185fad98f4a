import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent, request as ask } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { KubeApiserver } from './kube-apiserver.ts';
import type { Owner } from './last-resort.ts';

export type Asked = Readonly<{ method: string /** With its query. */; path: string; isWatch: boolean }>;

/**
 * `cut`: the connection breaks off before an answer. `hang`: there never is one. `cut_after`: it was done, and the answer is
 * lost. A status is the API server's own `Status`, without having been asked.
 */
export type Fault =
  | 'cut'
  | 'hang'
  | 'cut_after'
  | Readonly<{ status: number; message?: string; retryAfterSeconds?: number; delayMs?: number }>;

export type KubeRelay = Readonly<{
  /** Without TLS: for `kubeconfig(user, { server })`. */
  url: string;
  /** What was asked since the last `forget`. */
  asked(): readonly Asked[];
  forget(): void;
  /** What happens to each call from now on; undefined: it is handed on. */
  fail(fault: (asked: Asked) => Fault | undefined): void;
  /** Breaks off every connection. */
  cut(): void;
  /** Connections stay, and nothing more is heard on those that are there. */
  freeze(): void;
}>;

const answer = (response: ServerResponse, fault: Exclude<Fault, string>): void => {
  const { status, message = 'said so', retryAfterSeconds } = fault;
  response.writeHead(status, {
    'content-type': 'application/json',
    ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
  });
  response.end(JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', message, code: status }));
};

/** A faulty way to the API server. */
export async function startKubeRelay({ url, ca }: Pick<KubeApiserver, 'url' | 'ca'>, owner: Owner): Promise<KubeRelay> {
  const agent = new Agent({ ca: readFileSync(ca), keepAlive: true });
  let asked: Asked[] = [];
  let fault: (asked: Asked) => Fault | undefined = () => undefined;
  const streams = new Set<IncomingMessage>();

  const handOn = (request: IncomingMessage, response: ServerResponse, isLost: boolean): void => {
    const { method, headers } = request;
    const outgoing = ask(new URL(request.url ?? '/', url), { method, headers, agent }, (incoming) => {
      if (isLost) {
        response.destroy();
        incoming.resume();
        return;
      }
      streams.add(incoming);
      incoming.once('close', () => streams.delete(incoming));
      incoming.on('error', () => response.destroy());
      response.writeHead(incoming.statusCode ?? 502, incoming.headers);
      response.flushHeaders();
      incoming.pipe(response);
    });
    outgoing.on('error', () => response.destroy());
    response.once('close', () => outgoing.destroy());
    request.pipe(outgoing);
  };

  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    const one = { method: request.method ?? 'GET', path, isWatch: /[?&]watch=true/.test(path) };
    asked.push(one);
    const what = fault(one);
    if (what === undefined || what === 'cut_after') handOn(request, response, what === 'cut_after');
    else if (what === 'cut') response.destroy();
    else if (what !== 'hang') setTimeout(() => answer(response, what), what.delayMs ?? 0).unref();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  owner.after(async () => {
    server.closeAllConnections();
    agent.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked: () => asked,
    forget: () => {
      asked = [];
    },
    fail: (how) => {
      fault = how;
    },
    cut: () => server.closeAllConnections(),
    freeze: () => {
      for (const stream of streams) {
        stream.unpipe();
        stream.pause();
      }
    },
  };
}
