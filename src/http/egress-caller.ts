/** What is known of who makes a call: from the connection, and from the proxies that are trusted. */
import type { IncomingMessage } from 'node:http';
import type { ClientCertificate } from '../core/request.ts';
import type { CallerRequest } from '../egress/caller-proof.ts';
import { readForwardedCertificate } from './forwarded-certificate.ts';
import { single } from './http-request.ts';
import type { Peer, Peers } from './peers.ts';
import { certificateOf } from './tls.ts';

export type CallerSources = Readonly<{
  peers: Peers;
  /** Whether trusted proxies tell of the certificates of their callers. Else whoever they pass on could. */
  forwardedCertificates: boolean;
}>;

/** Whoever is named by a proxy that is trusted; where none names anybody, the caller is who connected. */
const callerIp = ({ headers }: IncomingMessage, peer: Peer, peers: Peers): string => {
  const chain = single(headers['x-forwarded-for']);
  const real = single(headers['x-real-ip']);
  return chain === undefined && real === undefined ? peer.ip : peers.clientIp(peer, chain, real);
};

/** A proxy that passes a certificate on shows its own in the handshake, which is not the caller's. */
const callerCertificate = (message: IncomingMessage, believed: boolean): ClientCertificate | undefined => {
  const told = believed ? single(message.headers['x-forwarded-client-cert']) : undefined;
  return told === undefined ? certificateOf(message.socket) : readForwardedCertificate(told);
};

/** A class, for each object literal with a getter has a hidden class of its own, which keeps the request alive for long. */
class MessageCaller implements CallerRequest {
  readonly #message: IncomingMessage;
  readonly #peer: Peer;
  readonly #sources: CallerSources;

  constructor(message: IncomingMessage, peer: Peer, sources: CallerSources) {
    this.#message = message;
    this.#peer = peer;
    this.#sources = sources;
  }

  get clientIp(): string {
    return callerIp(this.#message, this.#peer, this.#sources.peers);
  }

  get certificate(): ClientCertificate | undefined {
    return callerCertificate(this.#message, this.#sources.forwardedCertificates && this.#peer.trusted);
  }

  header(name: string): string | undefined {
    return single(this.#message.headers[name]);
  }
}

export const callerRequest = (message: IncomingMessage, peer: Peer, sources: CallerSources): CallerRequest =>
  new MessageCaller(message, peer, sources);
