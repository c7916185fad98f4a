/**
 * What the service behind is told of the way that a request has come: `X-Forwarded-*`, `X-Real-IP` and `Forwarded` (RFC 7239).
 * A trusted proxy has told of its own part already, to which ours is added. Of anybody else nothing is believed.
 */
import { single } from './http-request.ts';
import type { ProxiedRequest } from './proxied-request.ts';

/** A host with a port is no token. */
const quoted = (text: string): string => (/^[\w.-]+$/.test(text) ? text : `"${text}"`);

const node = (ip: string): string => {
  if (ip === '') return 'unknown';
  return ip.includes(':') ? `"[${ip}]"` : ip;
};

/** The port that the caller asked, where it is another than the one of the scheme. */
const portOf = (host: string, scheme: string): string =>
  /:(\d+)$/.exec(host)?.[1] ?? (scheme === 'https' ? '443' : '80');

const elementOf = ({ peer }: ProxiedRequest, host: string): string =>
  `for=${node(peer.ip)};host=${quoted(host)};proto=${peer.encrypted ? 'https' : 'http'}`;

const writeAfresh = (request: ProxiedRequest, host: string): readonly string[] => [
  'X-Forwarded-For',
  request.peer.ip,
  'X-Forwarded-Proto',
  request.scheme,
  'X-Forwarded-Host',
  host,
  'X-Forwarded-Port',
  portOf(host, request.scheme),
  'X-Real-IP',
  request.peer.ip,
  'Forwarded',
  elementOf(request, host),
];

const appended = (given: string | undefined, own: string): string =>
  given === undefined || given === '' ? own : `${given}, ${own}`;

const append = (request: ProxiedRequest, host: string): readonly string[] => {
  const { clientIp, peer, scheme } = request;
  const { headers } = request.message;
  const told = single(headers['x-forwarded-host']) ?? host;
  return [
    'X-Forwarded-For',
    appended(single(headers['x-forwarded-for']), peer.ip),
    'X-Forwarded-Proto',
    scheme,
    'X-Forwarded-Host',
    told,
    'X-Forwarded-Port',
    single(headers['x-forwarded-port']) ?? portOf(told, scheme),
    ...(clientIp === '' ? [] : ['X-Real-IP', clientIp]),
    'Forwarded',
    appended(single(headers['forwarded']), elementOf(request, host)),
  ];
};

type Written = Readonly<{ host: string; headers: readonly string[] }>;

/** Most connections ask one host again and again. */
const writtenFor = new WeakMap<object, Written>();

/** Name, value, name, value. `host` is as it came, port and all. */
export const forwardedHeaders = (request: ProxiedRequest, host: string): readonly string[] => {
  if (request.peer.trusted) return append(request, host);
  const { socket } = request.message;
  const before = writtenFor.get(socket);
  if (before?.host === host) return before.headers;
  const headers = writeAfresh(request, host);
  writtenFor.set(socket, { host, headers });
  return headers;
};
