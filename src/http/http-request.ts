import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { parseHost, parseMethod, parseTarget } from '../core/canonical.ts';
import { isRefusal, type Refusal } from '../core/refusal.ts';
import type { AuthRequest, ClientCertificate } from '../core/request.ts';
import { isRequestId } from '../core/request-id.ts';
import type { Peer, Peers } from './peers.ts';
import { certificateOf } from './tls.ts';

/** What came in on the wire, before a dialect has read it. `target` is what follows the endpoint in the URL. */
export type Incoming = Readonly<{
  message: IncomingMessage;
  headers: IncomingHttpHeaders;
  target: string;
  peer: Peer;
  peers: Peers;
}>;

/** The request as a dialect found it described, still unchecked. */
export type Description = Readonly<{
  method: string | undefined;
  host: string | undefined;
  target: string;
  scheme: string | undefined;
  /** Whether the client itself is on the other end: then no proxy's word counts for its certificate, but our own handshake. */
  isDirect?: boolean;
}>;

class HttpAuthRequest implements AuthRequest {
  readonly id: string;
  readonly method: string;
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly path: string;
  readonly query: string;
  readonly certificate: ClientCertificate | undefined;
  readonly #incoming: Incoming;

  constructor(
    incoming: Incoming,
    certificate: ClientCertificate | undefined,
    method: string,
    scheme: 'http' | 'https',
    host: string,
    path: string,
    query: string,
  ) {
    this.#incoming = incoming;
    this.certificate = certificate;
    this.id = requestIdOf(incoming);
    this.method = method;
    this.scheme = scheme;
    this.host = host;
    this.path = path;
    this.query = query;
  }

  /** Worked out only when somebody asks: most decisions do not. */
  get clientIp(): string {
    return clientIpOf(this.#incoming);
  }

  get requiredAmount(): string | undefined {
    const { peer, headers } = this.#incoming;
    return peer.trusted ? single(headers['x-required-amount']) : undefined;
  }

  header(name: string): string | undefined {
    return single(this.#incoming.headers[name]);
  }

  findHeaderName(test: (name: string) => boolean): string | undefined {
    return findName(this.#incoming.message.rawHeaders, test);
  }
}

export const clientIpOf = ({ peer, peers, headers }: Pick<Incoming, 'peer' | 'peers' | 'headers'>): string =>
  peers.clientIp(peer, single(headers['x-forwarded-for']), single(headers['x-real-ip']));

/** Of name, value, name, value: the first name that meets the test, as it was spelt. */
export const findName = (rawHeaders: readonly string[], test: (name: string) => boolean): string | undefined => {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (test(name)) return name;
  }
  return undefined;
};

/** Node gives `set-cookie` alone as a list; everything else is joined by commas. */
export const single = (value: string | string[] | undefined): string | undefined =>
  typeof value === 'object' ? value.join(', ') : value;

/** Whether the client's own connection is encrypted, as far as a trusted proxy tells; where none does, ours is the client's. */
export const schemeOf = ({ peer, headers }: Pick<Incoming, 'peer' | 'headers'>): AuthRequest['scheme'] => {
  const said = peer.trusted ? single(headers['x-forwarded-proto']) : undefined;
  if (said !== undefined) return said === 'https' ? 'https' : 'http';
  return peer.encrypted ? 'https' : 'http';
};

/** The proxy's correlation id where the peer is trusted and the id is fit for logs and headers; else a new one. */
export const requestIdOf = ({ peer, headers }: Pick<Incoming, 'peer' | 'headers'>): string => {
  const given = peer.trusted ? single(headers['x-request-id']) : undefined;
  return isRequestId(given) ? given : randomUUID();
};

const shown = ({ peer, message }: Incoming): ClientCertificate | undefined =>
  peer.encrypted ? certificateOf(message.socket) : undefined;

const told = ({ peer, peers, headers }: Incoming, host: string): ClientCertificate | Refusal | undefined =>
  peers.certificateFormat === undefined ? undefined : peers.certificate(peer, host, (name) => single(headers[name]));

/** Checks a description and puts it into canonical form. */
export const toAuthRequest = (incoming: Incoming, description: Description): AuthRequest | Refusal => {
  const method = parseMethod(description.method);
  if (isRefusal(method)) return method;
  const host = parseHost(description.host);
  if (isRefusal(host)) return host;
  const target = parseTarget(description.target);
  if (isRefusal(target)) return target;
  const scheme = description.scheme === 'https' ? 'https' : 'http';
  const certificate = description.isDirect ? shown(incoming) : told(incoming, host);
  if (isRefusal(certificate)) return certificate;
  return new HttpAuthRequest(incoming, certificate, method, scheme, host, target.path, target.query);
};
