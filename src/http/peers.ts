/** Who is on the other end of a connection, and whose word counts for what they forward. */
import type { Socket } from 'node:net';
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

export type Peer = Readonly<{ ip: string; trusted: boolean }>;

export type Peers = Readonly<{
  /** Worked out once for each connection. */
  of(socket: Socket): Peer;
  /**
   * The caller's address: the last one in `X-Forwarded-For` that is not itself a trusted proxy, or what nginx says in
   * `X-Real-IP`. Nothing that an untrusted peer says is believed: then it is the peer's own address. Empty where a trusted
   * proxy does not tell.
   */
  clientIp(peer: Peer, forwardedFor: string | undefined, realIp: string | undefined): string;
}>;

const LONGEST_CHAIN = 20;

/** `::ffff:10.0.0.1` and `10.0.0.1` are one address. */
const parseAddress = (text: string): Address | undefined => (ipaddr.isValid(text) ? ipaddr.process(text) : undefined);

/** `ranges` are CIDR blocks or single addresses, checked when the configuration was read. */
export const createPeers = (ranges: readonly string[]): Peers => {
  const trusted = ranges.map((range) =>
    ipaddr.parseCIDR(range.includes('/') ? range : `${range}/${range.includes(':') ? 128 : 32}`),
  );
  const isTrusted = (address: Address): boolean =>
    trusted.some(([network, bits]) => address.kind() === network.kind() && address.match(network, bits));

  const known = new WeakMap<Socket, Peer>();
  const unknown: Peer = { ip: '', trusted: false };

  return {
    of(socket) {
      const seen = known.get(socket);
      if (seen) return seen;
      const address = parseAddress(socket.remoteAddress ?? '');
      const peer = address ? { ip: address.toString(), trusted: isTrusted(address) } : unknown;
      known.set(socket, peer);
      return peer;
    },

    clientIp(peer, forwardedFor, realIp) {
      if (!peer.trusted) return peer.ip;
      const chain = forwardedFor?.split(',', LONGEST_CHAIN + 1) ?? (realIp === undefined ? [] : [realIp]);
      let nearest = '';
      for (const entry of chain.slice(-LONGEST_CHAIN).reverse()) {
        const address = parseAddress(entry.trim());
        if (!address) return nearest;
        nearest = address.toString();
        if (!isTrusted(address)) return nearest;
      }
      return nearest;
    },
  };
};
