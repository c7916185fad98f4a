/**
 * Traefik's forwardAuth, written again from its documentation and its source (v3.6, pkg/middlewares/auth/forward.go), because
 * the real one takes a quarter of an hour to build. It reads the example's dynamic configuration. Its limits: one router with
 * one middleware, and routers without any for whatever begins like their rule; no cleaning of paths, no TLS, no HTTP/2; Node's HTTP parser instead of Go's.
 */
import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { parse } from 'yaml';
import { type Ports, substitute } from '../servers/addresses.ts';
import type { Owner } from '../servers/last-resort.ts';

type ForwardAuth = Readonly<{
  address: string;
  authResponseHeaders: string[];
  addAuthCookiesToResponse: string[];
  maxResponseBodySize?: number;
}>;

const understood = [
  'address',
  'trustForwardHeader',
  'authResponseHeaders',
  'addAuthCookiesToResponse',
  'maxResponseBodySize',
];

const hopByHop = [
  'connection',
  'keep-alive',
  'te',
  'trailer',
  'trailers',
  'transfer-encoding',
  'upgrade',
  'proxy-connection',
];

/** Not believed of a client, for no address is in `forwardedHeaders.trustedIPs`. */
const believedOfNobody =
  /^x-(forwarded-(proto|for|host|port|server|uri|method|prefix|tls-client-cert(-info)?)|real-ip)$/;

type Headers = Map<string, string[]>;

type Open = Readonly<{ prefix: string; service: string }>;

function readExample(dynamic: string): { forwardAuth: ForwardAuth; service: string; open: Open[] } {
  const { http } = parse(dynamic);
  const routers = Object.values<{ rule: string; middlewares?: string[]; service: string }>(http.routers);
  const router = routers.find(({ middlewares }) => middlewares !== undefined);
  const urlOf = (service = '') => http.services[service].loadBalancer.servers[0].url;
  const open = routers
    .filter(({ middlewares }) => middlewares === undefined)
    .map(({ rule, service }) => ({
      prefix: /^PathPrefix\(`(.+)`\)$/.exec(rule)?.[1] ?? rule,
      service: urlOf(service),
    }));
  const forwardAuth = http.middlewares[router?.middlewares?.[0] ?? ''].forwardAuth;
  const unknown = Object.keys(forwardAuth).filter((key) => !understood.includes(key));
  if (unknown.length > 0 || forwardAuth.trustForwardHeader) throw new Error(`not understood: ${unknown}`);
  return { forwardAuth, service: urlOf(router?.service), open };
}

/** As the entry point hands it on: without what belongs to the connection, or is named in `Connection`. */
function headersOf({ rawHeaders, headers }: IncomingMessage): Headers {
  const named = (headers.connection ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim());
  const found: Headers = new Map();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]?.toLowerCase() ?? '';
    if (hopByHop.includes(name) || named.includes(name) || believedOfNobody.test(name) || name === 'host') continue;
    found.set(name, [...(found.get(name) ?? []), rawHeaders[at + 1] ?? '']);
  }
  return found;
}

const pairs = (headers: Headers): string[] =>
  [...headers].flatMap(([name, values]) => values.flatMap((value) => [name, value]));

const responseTo = async (
  url: string,
  path: string,
  options: object,
  body?: IncomingMessage,
): Promise<IncomingMessage> => {
  const { hostname, port } = new URL(url);
  const outgoing = send({ hostname, port, path, maxHeaderSize: 128 * 1024, ...options });
  const answered = once(outgoing, 'response');
  if (body) await Promise.race([pipeline(body, outgoing), answered]);
  else outgoing.end();
  const [incoming] = await answered;
  return incoming;
};

const plainly = (response: ServerResponse, status: number): void => {
  response.writeHead(status, { 'content-length': '0' }).end();
};

type Middleware = Readonly<{ forwardAuth: ForwardAuth; service: string; open: readonly Open[]; agent: Agent }>;

/** GET, without the body, with every header of the client's and the five that describe its request. */
const ask = ({ forwardAuth, agent }: Middleware, request: IncomingMessage, forwarded: Headers) => {
  const { method = '', url = '', socket, headers } = request;
  const auth = new URL(forwardAuth.address);
  const described = { for: socket.remoteAddress ?? '', method, proto: 'http', host: headers.host ?? '', uri: url };
  const question = new Map(forwarded);
  question.delete('content-length');
  for (const [name, value] of Object.entries(described)) question.set(`x-forwarded-${name}`, [value]);
  question.set('host', [auth.host]);
  const signal = AbortSignal.timeout(30_000);
  return responseTo(auth.origin, auth.pathname + auth.search, { headers: pairs(question), agent, signal });
};

/** Takes the client's copy of each listed header off, then sets what the answer has. */
const replaceHeaders = (forwarded: Headers, { authResponseHeaders }: ForwardAuth, verdict: IncomingMessage): void => {
  for (const name of authResponseHeaders.map((one) => one.toLowerCase())) {
    forwarded.delete(name);
    const value = verdict.headers[name]?.toString();
    if (value !== undefined) forwarded.set(name, [value]);
  }
};

/** The listed cookies of the answer take the place of the application's of the same name. */
const addCookies = (
  answered: Headers,
  { addAuthCookiesToResponse }: ForwardAuth,
  verdict: IncomingMessage,
): Headers => {
  const isListed = (cookie: string) => addAuthCookiesToResponse.includes(cookie.split('=')[0] ?? '');
  const own = (answered.get('set-cookie') ?? []).filter((cookie) => !isListed(cookie));
  const added = (verdict.headers['set-cookie'] ?? []).filter(isListed);
  if (own.length + added.length > 0) answered.set('set-cookie', [...own, ...added]);
  return answered;
};

const passOn = async (
  { service, agent }: Readonly<{ service: string; agent: Agent }>,
  request: IncomingMessage,
  forwarded: Headers,
  response: ServerResponse,
  tell: (answered: Headers) => Headers,
) => {
  const { method, url = '', headers } = request;
  for (const name of ['host', 'x-forwarded-host']) forwarded.set(name, [headers.host ?? '']);
  if (headers['transfer-encoding']) forwarded.set('transfer-encoding', ['chunked']);
  const answer = await responseTo(service, url, { method, headers: pairs(forwarded), agent }, request);
  response.writeHead(answer.statusCode ?? 502, pairs(tell(headersOf(answer))));
  await pipeline(answer, response);
};

/** What the entry point says of the client. */
const described = ({ socket }: IncomingMessage): Headers =>
  new Map([
    ['x-forwarded-for', [socket.remoteAddress ?? '']],
    ['x-forwarded-proto', ['http']],
  ]);

const handle = async (middleware: Middleware, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  if (!request.url?.startsWith('/') || request.headers.host === undefined) return plainly(response, 400);
  const { forwardAuth, agent } = middleware;
  const forwarded = headersOf(request);
  const open = middleware.open.find(({ prefix }) => request.url?.startsWith(prefix));
  if (open) {
    const told = new Map([...forwarded, ...described(request)]);
    return passOn({ service: open.service, agent }, request, told, response, (answered) => answered);
  }
  const verdict = await ask(middleware, request, forwarded);
  const body = await buffer(verdict);
  const { statusCode = 0 } = verdict;
  if (body.length > (forwardAuth.maxResponseBodySize ?? Number.POSITIVE_INFINITY)) return plainly(response, 401);
  if (statusCode >= 200 && statusCode < 300) {
    replaceHeaders(forwarded, forwardAuth, verdict);
    return passOn(middleware, request, forwarded, response, (answered) => addCookies(answered, forwardAuth, verdict));
  }
  response.writeHead(statusCode, pairs(headersOf(verdict)));
  response.end(request.method === 'HEAD' ? undefined : body);
};

/** Any address that the example names is replaced, as for the real servers. */
export async function startTraefikStandIn(dynamic: string, ports: Ports, owner: Owner) {
  const agent = new Agent({ keepAlive: true });
  const middleware = { ...readExample(substitute(dynamic, ports)), agent };
  const server = createServer({ maxHeaderSize: 128 * 1024, joinDuplicateHeaders: true }, (request, response) => {
    const failed = () => (response.headersSent ? void response.destroy() : plainly(response, 500));
    handle(middleware, request, response).catch(failed);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  owner.after(async () => {
    agent.destroy();
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${port}`, port };
}
