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

export const callerRequest = (
  message: IncomingMessage,
  peer: Peer,
  { peers, forwardedCertificates }: CallerSources,
): CallerRequest => ({
  get clientIp() {
    return callerIp(message, peer, peers);
  },
  get certificate() {
    return callerCertificate(message, forwardedCertificates && peer.trusted);
  },
  header: (name) => single(message.headers[name]),
});
