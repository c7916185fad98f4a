/** What the business services have in common: JSON over plain HTTP, for the Sallyport beside them and nobody else. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

export type Call = Readonly<{
  id: string;
  body: Readonly<Record<string, unknown>>;
  /** Of headers, which the Sallyport beside has set or looked at. */
  user: string;
  userContext: string;
  correlationId: string;
}>;

export type Answer = Readonly<{ status: number; body: unknown }>;

/** By method and path, as in `GET /orders/:id`. */
export type Routes = Readonly<Record<string, (call: Call) => Answer | Promise<Answer>>>;

export type Service = Readonly<{ port: number; stop(): Promise<void> }>;

/** What no id, path or header could be confused by. */
export const isPlainId = (value: unknown): value is string => typeof value === 'string' && /^[\w-]{1,64}$/.test(value);

export const isAmount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) > 0;

export const failed = (status: number, error: string): Answer => ({ status, body: { error } });

const headerOf = ({ headers }: IncomingMessage, name: string): string => String(headers[name] ?? '');

const bodyOf = async (message: IncomingMessage): Promise<Readonly<Record<string, unknown>>> => {
  if (message.method === 'GET') return {};
  const body: unknown = await json(message);
  return typeof body === 'object' && body !== null ? { ...body } : {};
};

const answer = async (message: IncomingMessage, routes: Routes): Promise<Answer> => {
  const [, collection = '', id = '', ...deeper] = (message.url ?? '').split('?')[0]?.split('/') ?? [];
  const route = routes[`${message.method} /${collection}${id && '/:id'}`];
  if (!route || deeper.length > 0 || (id && !isPlainId(id))) return failed(404, 'there is nothing here');
  const body = await bodyOf(message).catch(() => undefined);
  if (!body) return failed(400, 'the body is no JSON');
  return route({
    id,
    body,
    user: headerOf(message, 'x-user-id'),
    userContext: headerOf(message, 'x-user-context'),
    correlationId: headerOf(message, 'x-correlation-id'),
  });
};

/** On loopback alone: whoever could reach it from elsewhere would pass Sallyport by. Port 0 is any free one. */
export const serve = async (routes: Routes, port: number): Promise<Service> => {
  const server = createServer((message, response) => {
    void answer(message, routes)
      .catch((error: unknown) => {
        console.error(error);
        return failed(502, 'the service behind did not answer');
      })
      .then(({ status, body }) => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
      });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
};
