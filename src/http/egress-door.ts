/** Which requests of the main listener are calls of egress: those below its prefix, and those for the host of a route. */
import type { IncomingMessage } from 'node:http';
import { parseHost } from '../core/canonical.ts';
import { isRefusal } from '../core/refusal.ts';
import { isBelow, readCallPath, trimPrefix } from '../egress/call-path.ts';
import type { EgressRoutes } from '../egress/routes.ts';

export type DoorOptions = Readonly<{
  routes: Pick<EgressRoutes<unknown>, 'hasHosts' | 'knowsHost'>;
  /** `endpoints.egress`. */
  prefix: string;
  /** Paths of Sallyport's own, which no host takes away from it. */
  ownPaths: readonly string[];
}>;

export const createEgressDoor = ({ routes, prefix, ownPaths }: DoorOptions) => {
  const below = trimPrefix(prefix);
  const own = ownPaths.map(trimPrefix);

  const isForHost = (message: IncomingMessage, url: string): boolean => {
    const host = parseHost(message.headers.host);
    if (isRefusal(host) || !routes.knowsHost(host)) return false;
    const read = readCallPath(url);
    // What cannot be read is refused there.
    return isRefusal(read) || !own.some((path) => isBelow(read.path, path));
  };

  return (url: string, message: IncomingMessage): boolean => {
    const next = url.charCodeAt(below.length);
    const isPrefixed = url.startsWith(below) && (Number.isNaN(next) || next === 0x2f || next === 0x3f);
    return isPrefixed || (routes.hasHosts && isForHost(message, url));
  };
};
