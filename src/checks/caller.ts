import { hash } from 'node:crypto';
import ipaddr from 'ipaddr.js';
import { certificateLabel } from '../core/client-certificate.ts';
import type { Identity } from '../core/identity.ts';
import type { AuthRequest } from '../core/request.ts';

const LONGEST_NAME = 128;

/** Names come from tokens and may be as long as these: what is kept of each is bounded. */
export const bounded = (name: string): string =>
  name.length <= LONGEST_NAME ? name : `sha256=${hash('sha256', name)}`;

/** An IPv6 customer has a /64 at the least, and changes the rest of the address as he likes (RFC 6177). */
export const networkOf = (ip: string): string => {
  if (!ip.includes(':') || !ipaddr.IPv6.isValid(ip)) return ip;
  const [a = 0, b = 0, c = 0, d = 0] = ipaddr.IPv6.parse(ip).parts;
  return `${[a, b, c, d].map((part) => part.toString(16)).join(':')}::/64`;
};

/** Whose requests a rule's own limits count: the key, the user, the certificate, or the address of callers without a name. */
export const callerOf = ({ clientIp }: Pick<AuthRequest, 'clientIp'>, identity: Identity): string => {
  switch (identity.method) {
    case 'api_key':
      return `key:${identity.keyId}`;
    case 'jwt':
      return identity.subject === ''
        ? `jwt:${identity.issuer}:ip:${networkOf(clientIp)}`
        : `jwt:${identity.issuer}:sub:${bounded(identity.subject)}`;
    case 'certificate':
      // A renewed certificate is the same caller.
      return `certificate:${bounded(certificateLabel(identity.certificate))}`;
    case 'cashu':
    case 'session':
    case 'anonymous':
      return `ip:${networkOf(clientIp)}`;
  }
};
