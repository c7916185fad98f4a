/**
 * Addresses that no URL of a configuration has business with: cloud metadata services, link-local, multicast and unspecified
 * ones. Private and loopback addresses stay open, for issuers and mints inside a cluster are the rule.
 */
import { type LookupAddress, type LookupAllOptions, lookup } from 'node:dns';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

const forbiddenRanges = new Set(['linkLocal', 'multicast', 'unspecified', 'broadcast', 'teredo']);

/** Alibaba, Oracle, Azure's wire server, AWS over IPv6. All others are link-local. */
const metadata = ['100.100.100.200/32', '192.0.0.192/32', '168.63.129.16/32', 'fd00:ec2::/32'].map((range) =>
  ipaddr.parseCIDR(range),
);

const nat64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96');

const isMetadata = (address: Address): boolean =>
  metadata.some(([network, bits]) => address.kind() === network.kind() && address.match(network, bits));

/** The IPv4 address that a gateway or a translator would take an IPv6 address for. */
const carriedIPv4 = (address: Address): ipaddr.IPv4 | undefined => {
  if (!(address instanceof ipaddr.IPv6)) return undefined;
  const bytes = address.toByteArray();
  const range = address.range();
  if (range === '6to4') return new ipaddr.IPv4(bytes.slice(2, 6));
  const isCompatible = range === 'unicast' && bytes.slice(0, 12).every((byte) => byte === 0);
  return isCompatible || range === 'rfc6052' || range === 'rfc6145' ? new ipaddr.IPv4(bytes.slice(12)) : undefined;
};

const isForbidden = (address: Address): boolean => forbiddenRanges.has(address.range()) || isMetadata(address);

export const isForbiddenAddress = (text: string): boolean => {
  if (isIP(text) === 0) return true;
  const address = ipaddr.process(text);
  const carried = carriedIPv4(address);
  return isForbidden(address) || (carried !== undefined && isForbidden(carried));
};

/**
 * Besides: everything that is not of the public internet. Behind a NAT64 gateway the public internet looks like `64:ff9b::…`
 * (RFC 6052 section 3.1); what carries an address in any other way is not in use there.
 */
export const isPrivateAddress = (text: string): boolean => {
  if (isForbiddenAddress(text)) return true;
  const address = ipaddr.process(text);
  const carried = carriedIPv4(address);
  if (carried && !address.match(nat64)) return true;
  return (carried ?? address).range() !== 'unicast';
};

export class ForbiddenAddress extends Error {
  override name = 'ForbiddenAddress';
}

/** As `dns.lookup` with `all`. */
export type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: Error | null, addresses: LookupAddress[]) => void,
) => void;

type LookupOptions = { family?: number | 'IPv4' | 'IPv6' | undefined; all?: boolean | undefined };

type IsForbidden = (address: string) => boolean;

const refusalOf = (
  hostname: string,
  error: Error | null,
  addresses: readonly LookupAddress[],
  isRefused: IsForbidden,
): Error | undefined => {
  if (error) return error;
  if (addresses.length === 0) return new Error(`${hostname} has no address`);
  const forbidden = addresses.find(({ address }) => isRefused(address));
  return forbidden && new ForbiddenAddress(`${hostname} resolves to ${forbidden.address}, which is refused`);
};

/**
 * A `lookup` for node:http that refuses a name as soon as one of its addresses is forbidden. What it gives is what is
 * connected to, so that a name cannot change its mind in between.
 */
export const createGuardedLookup =
  (resolve: Resolve = lookup, isRefused: IsForbidden = isForbiddenAddress) =>
  (
    hostname: string,
    options: LookupOptions,
    callback: (error: Error | null, address: string | LookupAddress[], family?: number) => void,
  ): void => {
    const family = options.family === 'IPv4' ? 4 : options.family === 'IPv6' ? 6 : (options.family ?? 0);
    resolve(hostname, { family, all: true }, (error, addresses) => {
      const refusal = refusalOf(hostname, error, addresses ?? [], isRefused);
      const [first] = addresses ?? [];
      if (refusal || !first) callback(refusal ?? null, []);
      else if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
