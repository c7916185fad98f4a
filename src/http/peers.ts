/** Who is on the other end of a connection, and whose word counts for what they forward. */
import { isIP, type Socket } from 'node:net';
import ipaddr from 'ipaddr.js';
import { LRUCache } from 'lru-cache';
import { perObject } from '../core/per-object.ts';
import type { Refusal } from '../core/refusal.ts';
import type { ClientCertificate } from '../core/request.ts';
import { isTls } from './tls.ts';
import type { CertificateFormat, HeaderOf, ToldCertificates } from './told-certificates.ts';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

export type Peer = Readonly<{
  ip: string;
  trusted: boolean;
  /** Whether the connection speaks TLS with us. */
  encrypted?: boolean;
}>;

export type Peers = Readonly<{
  /** Worked out once for each connection. */
  of(socket: Socket): Peer;
  /**
   * The caller's address: the last one in `X-Forwarded-For` that is not itself a trusted proxy, or what nginx says in
   * `X-Real-IP`. Nothing that an untrusted peer says is believed: then it is the peer's own address. Empty where a trusted
   * proxy does not tell, or tells what is no address.
   */
  clientIp(peer: Peer, forwardedFor: string | undefined, realIp: string | undefined): string;
  /** In which form trusted proxies tell of certificates, if they do. */
  certificateFormat: CertificateFormat | undefined;
  /**
   * The certificate of the client that asked for `host`, where the peer is trusted and the configuration says in which headers
   * it tells; undefined where it tells of none. What cannot be read, or was not verified, is refused.
   */
  certificate(peer: Peer, host: string, header: HeaderOf): ClientCertificate | Refusal | undefined;
}>;

const LONGEST_CHAIN = 20;
const REMEMBERED_CHAINS = 1_000;
const LONGEST_REMEMBERED = 256;

/** `::ffff:10.0.0.1` and `10.0.0.1` are one address; `10.1`, which some readers take for another, is none. */
const parseAddress = (text: string): Address | undefined => (isIP(text) === 0 ? undefined : ipaddr.process(text));

/** Some proxies write the port as well: `203.0.113.5:4711`, `[2001:db8::5]:4711`. */
const withPort = /^(?:\[([^\]]+)\]|([\d.]+))(?::\d{1,5})?$/;

const parseEntry = (entry: string): Address | undefined => {
  const text = entry.trim();
  const [, ipv6, ipv4] = withPort.exec(text) ?? [];
  return parseAddress(ipv6 ?? ipv4 ?? text);
};

/** The entries of a list from the last, which the nearest proxy wrote, to the first, which anybody may have written. */
function* nearestFirst(list: string): Generator<string> {
  let end = list.length;
  for (let count = 0; end > 0 && count < LONGEST_CHAIN; count++) {
    const comma = list.lastIndexOf(',', end - 1);
    yield list.slice(comma + 1, end);
    end = comma;
  }
}

/** `ranges` are CIDR blocks or single addresses, checked when the configuration was read. */
export const createPeers = (ranges: readonly string[], told?: ToldCertificates): Peers => {
  const trusted = ranges.map((range) =>
    ipaddr.parseCIDR(range.includes('/') ? range : `${range}/${range.includes(':') ? 128 : 32}`),
  );
  const isTrusted = (address: Address): boolean =>
    trusted.some(([network, bits]) => address.kind() === network.kind() && address.match(network, bits));

  const callerIn = (chain: string): string => {
    let nearest = '';
    for (const entry of nearestFirst(chain)) {
      const address = parseEntry(entry);
      if (!address) return '';
      nearest = address.toString();
      if (!isTrusted(address)) return nearest;
    }
    return nearest;
  };

  const callers = new LRUCache<string, string>({ max: REMEMBERED_CHAINS });
  const unknown: Peer = { ip: '', trusted: false };

  return {
    of: perObject((socket: Socket) => {
      const address = parseAddress(socket.remoteAddress ?? '');
      if (!address) return unknown;
      return { ip: address.toString(), trusted: isTrusted(address), ...(isTls(socket) && { encrypted: true }) };
    }),

    clientIp(peer, forwardedFor, realIp) {
      if (!peer.trusted) return peer.ip;
      const chain = forwardedFor ?? realIp ?? '';
      const known = callers.get(chain);
      if (known !== undefined) return known;
      const caller = callerIn(chain);
      if (chain.length <= LONGEST_REMEMBERED) callers.set(chain, caller);
      return caller;
    },

    certificateFormat: told?.format,
    certificate: (peer, host, header) => (told && peer.trusted ? told.read(host, header) : undefined),
  };
};
