/** Ranges of addresses in CIDR notation (RFC 4632, RFC 4291 section 2.3). */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

export type IpRange = readonly [network: Address, bits: number];

/** Only the forms that everybody reads the same way: not `10.1`, not `010.0.0.1`, no zone. */
const parseStrictly = (text: string): Address | undefined =>
  isIP(text) === 0 || text.includes('%') ? undefined : ipaddr.parse(text);

const isNetworkAddress = (address: Address, bits: number): boolean => {
  const range = `${address.toString()}/${bits}`;
  const kind = address.kind() === 'ipv4' ? ipaddr.IPv4 : ipaddr.IPv6;
  return kind.networkAddressFromCIDR(range).toString() === address.toString();
};

/** IPv4 written as IPv6 (`::ffff:10.0.0.0/104`) is the IPv4 range that it is. */
const unmapped = (address: Address, bits: number): IpRange =>
  address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() && bits >= 96
    ? [address.toIPv4Address(), bits - 96]
    : [address, bits];

/** One address or a range; undefined for anything else, and for a range that does not begin at its first address. */
export const parseIpRange = (text: string): IpRange | undefined => {
  const slash = text.indexOf('/');
  const address = parseStrictly(slash < 0 ? text : text.slice(0, slash));
  if (!address) return undefined;
  const most = address.kind() === 'ipv4' ? 32 : 128;
  if (slash < 0) return unmapped(address, most);
  const written = text.slice(slash + 1);
  const bits = Number(written);
  if (!/^(?:0|[1-9]\d{0,2})$/.test(written) || bits > most || !isNetworkAddress(address, bits)) return undefined;
  return unmapped(address, bits);
};

/** `10.0.0.1` → `10.0.0.1/32`; undefined where it is no range. */
export const canonicalIpRange = (text: string): string | undefined => {
  const range = parseIpRange(text);
  return range && `${range[0].toString()}/${range[1]}`;
};

export const isInRange = (ip: string, ranges: readonly IpRange[]): boolean => {
  const address = parseStrictly(ip);
  if (!address) return false;
  const [own] = unmapped(address, address.kind() === 'ipv4' ? 32 : 128);
  return ranges.some(([network, bits]) => own.kind() === network.kind() && own.match(network, bits));
};
