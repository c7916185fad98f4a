/**
 * The cookie of a paid session. Over https its name begins with `__Host-`, so that neither another host nor plain http can
 * plant one, which would pay with the victim's tokens into the planter's account (RFC 6265bis section 4.1.3.2).
 */
import type { AuthRequest } from './request.ts';

type Scheme = AuthRequest['scheme'];

const PLAIN = 'sallyport-session';

const nameOver = (scheme: Scheme): string => (scheme === 'https' ? `__Host-${PLAIN}` : PLAIN);

type Pair = Readonly<{ text: string; name: string; value: string }>;

const pairsOf = (header: string): Pair[] =>
  header.split(';').map((part) => {
    const text = part.trim();
    const mark = text.indexOf('=');
    return { text, name: text.slice(0, Math.max(mark, 0)).trim(), value: text.slice(mark + 1).trim() };
  });

/** The session ids that a `Cookie` header presents. */
export const sessionsIn = (header: string | undefined, scheme: Scheme): string[] => {
  if (!header?.includes(PLAIN)) return [];
  const name = nameOver(scheme);
  return pairsOf(header)
    .filter((pair) => pair.name === name && pair.value !== '')
    .map(({ value }) => value);
};

/** A `Cookie` header as the application is to see it; undefined where there is nothing of ours in it. */
export const cookieWithoutSessions = (header: string | undefined): string | undefined => {
  if (!header?.includes(PLAIN)) return undefined;
  const ours = [nameOver('https'), nameOver('http')];
  const others = pairsOf(header).filter(({ name }) => !ours.includes(name));
  return others
    .map(({ text }) => text)
    .filter((text) => text !== '')
    .join('; ');
};

/** `Set-Cookie` for a session. */
export const sessionCookie = (id: string, maxAgeSeconds: number, scheme: Scheme): string =>
  `${nameOver(scheme)}=${id}; Max-Age=${maxAgeSeconds}; Path=/; HttpOnly; SameSite=Lax${scheme === 'https' ? '; Secure' : ''}`;
