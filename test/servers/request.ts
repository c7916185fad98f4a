import { type Agent, type IncomingHttpHeaders, request as send } from 'node:http';
import { text } from 'node:stream/consumers';

export type HeaderList = Readonly<Record<string, string>> | readonly (readonly [name: string, value: string])[];

export type Asking = Readonly<{
  method?: string;
  /** A list of pairs may name a header twice, and in any spelling; `Host` is added when it is missing. */
  headers?: HeaderList;
  body?: string;
  /** Without an agent each request has a connection of its own. */
  agent?: Agent;
  deadlineMs?: number;
}>;

export type Answered = Readonly<{
  status: number;
  headers: IncomingHttpHeaders;
  /** Names as they were spelled and values in order, name and value in turn. */
  rawHeaders: readonly string[];
  body: string;
}>;

/**
 * One HTTP request that goes out as it is written: `path` follows the origin unchanged (`/a/../b`, `/%2e`, an absolute
 * URL), no redirect is followed and no header is added but Host, Connection and the length of a body.
 * Characters that Node refuses in a path (spaces, controls) need `sendRaw`.
 */
export function request(origin: string, path: string, asking: Asking = {}): Promise<Answered> {
  const { method = 'GET', headers = {}, body, agent, deadlineMs = 10_000 } = asking;
  const { hostname, port, host } = new URL(origin);
  const pairs = Array.isArray(headers) ? headers : Object.entries(headers);
  const has = (name: string) => pairs.some(([key]) => key.toLowerCase() === name);
  const list = [
    ...(has('host') ? [] : ['Host', host]),
    ...pairs.flat(),
    ...(body === undefined || has('content-length') || has('transfer-encoding')
      ? []
      : ['Content-Length', String(Buffer.byteLength(body))]),
  ];
  return new Promise((resolve, reject) => {
    const outgoing = send(
      { hostname, port, path, method, headers: list, agent: agent ?? false, signal: AbortSignal.timeout(deadlineMs) },
      (incoming) => {
        const { statusCode = 0, headers: received, rawHeaders } = incoming;
        text(incoming).then((all) => resolve({ status: statusCode, headers: received, rawHeaders, body: all }), reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
