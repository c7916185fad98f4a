/** The request that Envoy describes in a Check, in the canonical form on which everything is decided. */
import { randomUUID } from 'node:crypto';
import { parseHost, parseMethod, parseTarget, type Target } from '../../core/canonical.ts';
import { isRefusal, type Refusal } from '../../core/refusal.ts';
import type { AuthRequest, ClientCertificate } from '../../core/request.ts';
import { isRequestId } from '../../core/request-id.ts';
import type { Peer } from '../server/method.ts';
import type { CheckRequest, HeaderLine } from './check-request.ts';

/** The caller's address, from the chain of those who forwarded the request (`X-Forwarded-For`), the nearest last. */
export type ClientIpOf = (peer: Peer, chain: string) => string;

/** Lines of one name as one: cookies by RFC 9113 section 8.2.3, all others by RFC 9110 section 5.3. */
const join = (lines: readonly HeaderLine[]): Map<string, string> => {
  const joined = new Map<string, string>();
  for (const [name, value] of lines) {
    const before = joined.get(name);
    joined.set(name, before === undefined ? value : `${before}${name === 'cookie' ? '; ' : ', '}${value}`);
  }
  return joined;
};

/** `source`: what Envoy itself tells of the certificate on its connection, in PEM, escaped; empty where it tells nothing. */
export type CertificateOf = (
  peer: Peer,
  host: string,
  header: (name: string) => string | undefined,
  source: string,
) => ClientCertificate | Refusal | undefined;

class DescribedRequest implements AuthRequest {
  readonly id: string;
  readonly method: string;
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly path: string;
  readonly query: string;
  readonly certificate: ClientCertificate | undefined;
  readonly #check: CheckRequest;
  readonly #headers: ReadonlyMap<string, string>;
  readonly #peer: Peer;
  readonly #clientIpOf: ClientIpOf;

  constructor(described: Described, method: string, host: string, { path, query }: Target) {
    const { check, peer, clientIpOf, headers, certificate } = described;
    this.certificate = certificate;
    this.#check = check;
    this.#headers = headers;
    this.#peer = peer;
    this.#clientIpOf = clientIpOf;
    const given = headers.get('x-request-id');
    this.id = isRequestId(given) ? given : randomUUID();
    this.method = method;
    this.scheme = (headers.get('x-forwarded-proto') ?? check.scheme) === 'https' ? 'https' : 'http';
    this.host = host;
    this.path = path;
    this.query = query;
  }

  /** Whom Envoy names is nearest; where that is a trusted proxy of its own, those come before whom it tells of. */
  get clientIp(): string {
    const forwardedFor = this.#headers.get('x-forwarded-for');
    const chain = [forwardedFor, this.#check.sourceAddress].filter((text) => text !== undefined && text !== '');
    return this.#clientIpOf(this.#peer, chain.join(', '));
  }

  get requiredAmount(): string | undefined {
    return this.#headers.get('x-required-amount');
  }

  header(name: string): string | undefined {
    return this.#headers.get(name);
  }

  findHeaderName(test: (name: string) => boolean): string | undefined {
    for (const name of this.#headers.keys()) if (test(name)) return name;
    return undefined;
  }
}

type Described = Readonly<{
  check: CheckRequest;
  headers: ReadonlyMap<string, string>;
  peer: Peer;
  clientIpOf: ClientIpOf;
  certificate: ClientCertificate | undefined;
}>;

export type Describing = Readonly<{ clientIpOf: ClientIpOf; certificateOf: CertificateOf }>;

/** `peer` is trusted: everything that it says counts. */
export const describedRequest = (
  check: CheckRequest,
  peer: Peer,
  { clientIpOf, certificateOf }: Describing,
): AuthRequest | Refusal => {
  const method = parseMethod(check.method);
  if (isRefusal(method)) return method;
  const host = parseHost(check.host);
  if (isRefusal(host)) return host;
  const target = parseTarget(check.path);
  if (isRefusal(target)) return target;
  const headers = join(check.headers);
  const certificate = certificateOf(peer, host, (name) => headers.get(name), check.certificate);
  if (isRefusal(certificate)) return certificate;
  return new DescribedRequest({ check, headers, peer, clientIpOf, certificate }, method, host, target);
};
