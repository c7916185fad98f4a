/**
 * Addresses that no URL of a configuration has business with: cloud metadata services, link-local, multicast and unspecified
 * ones. Private and loopback addresses stay open, for issuers and mints inside a cluster are the rule.
 */
import { type LookupAddress, lookup } from 'node:dns';
import ipaddr from 'ipaddr.js';

const forbiddenRanges = new Set(['linkLocal', 'multicast', 'unspecified', 'broadcast']);
const metadataAddresses = new Set(['100.100.100.200', 'fd00:ec2:0:0:0:0:0:254', '192.0.0.192']);

export const isForbiddenAddress = (text: string): boolean => {
  if (!ipaddr.isValid(text)) return true;
  const address = ipaddr.process(text);
  return forbiddenRanges.has(address.range()) || metadataAddresses.has(address.toString());
};

export class ForbiddenAddress extends Error {
  override name = 'ForbiddenAddress';
}

/** A `lookup` for node:http that refuses a name as soon as one of its addresses is forbidden. */
export const guardedLookup = (
  hostname: string,
  options: { family?: number | 'IPv4' | 'IPv6' | undefined; all?: boolean | undefined },
  callback: (error: Error | null, address: string | LookupAddress[], family?: number) => void,
): void => {
  const family = options.family === 'IPv4' ? 4 : options.family === 'IPv6' ? 6 : (options.family ?? 0);
  lookup(hostname, { family, all: true }, (error, addresses) => {
    const [first] = addresses ?? [];
    if (error || !first) return callback(error ?? new Error(`${hostname} has no address`), []);
    const forbidden = addresses.find(({ address }) => isForbiddenAddress(address));
    if (forbidden)
      return callback(new ForbiddenAddress(`${hostname} resolves to ${forbidden.address}, which is refused`), []);
    if (options.all) return callback(null, addresses);
    return callback(null, first.address, first.family);
  });
};
