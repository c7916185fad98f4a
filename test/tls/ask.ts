/** A client that shows a certificate, or none. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type Agent, request } from 'node:https';
import { text } from 'node:stream/consumers';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { type Pair, readPair } from '../servers/certificates.ts';

export type Client = Readonly<{
  port: number;
  /** Path of the authority whose servers are believed. */
  ca: string;
  own?: Pair | undefined;
  path?: string;
  headers?: Readonly<Record<string, string>>;
  agent?: Agent;
  tls?: ConnectionOptions;
}>;

export type Told = Readonly<{ status: number; body: string; closes: boolean; server: string; reused: boolean }>;

/** Rejects where the connection does not come about, or ends without an answer. */
export const ask = async ({ port, ca, own, path = '/', headers = {}, agent, tls }: Client): Promise<Told> => {
  const asked = request({
    ...{ host: '127.0.0.1', port, path, headers, ca: readFileSync(ca) },
    agent: agent ?? false,
    ...(own && readPair(own)),
    ...tls,
  }).end();
  const [response] = await once(asked, 'response');
  const socket: TLSSocket = response.socket;
  const server = String(socket.getPeerCertificate().subject.CN);
  const closes = response.headers.connection === 'close';
  return { status: response.statusCode, body: await text(response), closes, server, reused: asked.reusedSocket };
};

/** The status, or that nobody answered. */
export const outcomeOf = (client: Client): Promise<number | 'refused'> =>
  ask(client).then(
    ({ status }) => status,
    () => 'refused' as const,
  );

/** Of a page of Prometheus metrics: the value of one series, 0 where it is not there. */
export const seriesOf = (page: string, name: string, labels: Readonly<Record<string, string>>): number => {
  const line = page
    .split('\n')
    .find(
      (candidate) =>
        candidate.startsWith(`${name}{`) &&
        Object.entries(labels).every(([label, value]) => candidate.includes(`${label}="${value}"`)),
    );
  return Number(line?.split(' ').at(-1) ?? 0);
};
