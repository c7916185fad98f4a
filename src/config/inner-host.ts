/** What the host of a URL tells by itself, before anybody looks it up. Hosts are taken as `URL.hostname` gives them. */
import ipaddr from 'ipaddr.js';

const bare = (hostname: string): string => hostname.replace(/^\[|\]$|\.$/g, '');

const innerNames = ['.svc', '.svc.cluster.local', '.local', '.internal', '.localhost'];

/** Names and addresses that do not leave the machine or the cluster. */
export const isInner = (hostname: string): boolean => {
  const host = bare(hostname);
  if (ipaddr.isValid(host)) return ipaddr.parse(host).range() === 'loopback';
  return !host.includes('.') || innerNames.some((ending) => host.endsWith(ending));
};

/** Names of services in Kubernetes, of which nobody outside can have one. */
export const isClusterName = (hostname: string): boolean => /\.svc(\.cluster\.local)?$/.test(bare(hostname));

/**
 * `never`: not even where private addresses are allowed. `unknown`: a name, whose addresses are looked at when it is
 * connected to; so is every address once more.
 */
export const reachOf = (hostname: string): 'public' | 'private' | 'never' | 'unknown' => {
  const host = bare(hostname);
  if (!ipaddr.isValid(host)) return /(^|\.)localhost$/.test(host) || isClusterName(host) ? 'private' : 'unknown';
  switch (ipaddr.process(host).range()) {
    case 'unicast':
      return 'public';
    case 'private':
    case 'loopback':
    case 'uniqueLocal':
    case 'carrierGradeNat':
    case 'reserved':
      return 'private';
    default:
      return 'never';
  }
};
