/** A request on its way to the service behind, in the one canonical form on which everything is decided. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { parseHost, parseMethod, parseTarget } from '../core/canonical.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import type { AuthRequest, ClientCertificate } from '../core/request.ts';
import { isRequestId } from '../core/request-id.ts';
import { type CallPath, rawPath } from '../egress/call-path.ts';
import { clientIpOf, findName, schemeOf, single } from './http-request.ts';
import type { Peer, Peers } from './peers.ts';
import type { ProxiedCredentials } from './proxied-credentials.ts';
import { certificateOf } from './tls.ts';

/** What is known before anything is read: who asks, and by which id the request is told of. */
export type Arrived = Readonly<{ message: IncomingMessage; peer: Peer; peers: Peers; id: string }>;

/**
 * The correlation id of a trusted proxy, or of a caller whose certificate we verified: a service that passes on the id of the
 * request it works on. Anybody else's would let them write into the audit lines of others.
 */
export const correlationIdOf = ({ socket, headers }: IncomingMessage, peer: Peer): string => {
  // Looked at while the connection is there, for the audit line too.
  const certificate = certificateOf(socket);
  if (!peer.trusted && certificate === undefined) return randomUUID();
  const given = single(headers['x-correlation-id']) ?? single(headers['x-request-id']);
  return isRequestId(given) ? given : randomUUID();
};

export class ProxiedRequest implements AuthRequest {
  readonly id: string;
  readonly method: string;
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly path: string;
  readonly query: string;
  readonly certificate: ClientCertificate | undefined;
  readonly message: IncomingMessage;
  readonly peer: Peer;
  readonly #peers: Peers;
  readonly #credentials: ProxiedCredentials;

  constructor(
    { message, peer, peers, id }: Arrived,
    credentials: ProxiedCredentials,
    certificate: ClientCertificate | undefined,
    method: string,
    host: string,
    path: string,
    query: string,
  ) {
    this.id = id;
    this.method = method;
    this.scheme = schemeOf({ peer, headers: message.headers });
    this.host = host;
    this.path = path;
    this.query = query;
    this.certificate = certificate;
    this.message = message;
    this.peer = peer;
    this.#peers = peers;
    this.#credentials = credentials;
  }

  get clientIp(): string {
    return clientIpOf({ peer: this.peer, peers: this.#peers, headers: this.message.headers });
  }

  /** A path without escapes of what needs none (RFC 3986 section 6.2.2): every reader takes it for the one decided on. */
  get callPath(): CallPath {
    const { path, query } = this;
    return { raw: plainPath(rawPath(this.message.url ?? '')), path, query, escapedSlash: undefined };
  }

  header(name: string): string | undefined {
    return this.#credentials.read(this.message.headers, name);
  }

  findHeaderName(test: (name: string) => boolean): string | undefined {
    return findName(this.message.rawHeaders, test);
  }
}

const unreserved = /[A-Za-z0-9\-._~]/;

/** Without escapes of what needs none (RFC 3986 section 6.2.2). */
export const plainPath = (raw: string): string =>
  raw.includes('%')
    ? raw.replace(/%[0-9A-Fa-f]{2}/g, (escaped) => {
        const character = String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
        return unreserved.test(character) ? character : escaped.toUpperCase();
      })
    : raw;

/** What they answer to shows the caller our own headers (TRACE), or is no answer at all. */
const neverSent = new Set(['TRACE', 'TRACK', 'CONNECT']);
const notSent = refuse('method_not_allowed', 'This method is never passed on.');

export const refusedMethod = (method: string): Refusal | undefined => (neverSent.has(method) ? notSent : undefined);

/** A proxy that tells of certificates shows its own in our handshake, which is nobody else's. */
const callerCertificate = ({ message, peer, peers }: Arrived, host: string): ClientCertificate | Refusal | undefined =>
  peer.trusted && peers.certificateFormat !== undefined
    ? peers.certificate(peer, host, (name) => single(message.headers[name]))
    : certificateOf(message.socket);

/** Puts a request into canonical form, or says why it has none. */
export const readProxied = (arrived: Arrived, credentials: ProxiedCredentials): ProxiedRequest | Refusal => {
  const { message } = arrived;
  const method = parseMethod(message.method);
  if (isRefusal(method)) return method;
  const refused = refusedMethod(method);
  if (refused) return refused;
  const host = parseHost(message.headers.host);
  if (isRefusal(host)) return host;
  const target = parseTarget(message.url ?? '');
  if (isRefusal(target)) return target;
  const certificate = callerCertificate(arrived, host);
  if (isRefusal(certificate)) return certificate;
  return new ProxiedRequest(arrived, credentials, certificate, method, host, target.path, target.query);
};
