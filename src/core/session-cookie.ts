/**
 * The cookie of a paid session. Over https its name begins with `__Host-`, so that neither another host nor plain http can
 * plant one, which would pay with the victim's tokens into the planter's account (RFC 6265bis section 4.1.3.2).
 */
import type { AuthRequest } from './request.ts';

type Scheme = AuthRequest['scheme'];

const PLAIN = 'sallyport-session';

const nameOver = (scheme: Scheme): string => (scheme === 'https' ? `__Host-${PLAIN}` : PLAIN);

const splitPair = (part: string): readonly [name: string, value: string] => {
  const mark = part.indexOf('=');
  return [part.slice(0, Math.max(mark, 0)).trim(), part.slice(mark + 1).trim()];
};

/** Most cookies are the application's, and are not looked into. */
const isNamed = (part: string, ...names: readonly string[]): boolean =>
  part.includes(PLAIN) && names.includes(splitPair(part)[0]);

/** The session ids that a `Cookie` header presents. */
export const sessionsIn = (header: string | undefined, scheme: Scheme): string[] => {
  if (!header?.includes(PLAIN)) return [];
  return header
    .split(';')
    .filter((part) => isNamed(part, nameOver(scheme)))
    .map((part) => splitPair(part)[1])
    .filter((id) => id !== '');
};

/** A `Cookie` header as the application is to see it; undefined where there is nothing of ours in it. */
export const cookieWithoutSessions = (header: string | undefined): string | undefined => {
  if (!header?.includes(PLAIN)) return undefined;
  return header
    .split(';')
    .filter((part) => !isNamed(part, nameOver('https'), nameOver('http')))
    .map((part) => part.trim())
    .filter((text) => text !== '')
    .join('; ');
};

/** `Set-Cookie` for a session. */
export const sessionCookie = (id: string, maxAgeSeconds: number, scheme: Scheme): string =>
  `${nameOver(scheme)}=${id}; Max-Age=${maxAgeSeconds}; Path=/; HttpOnly; SameSite=Lax${scheme === 'https' ? '; Secure' : ''}`;
