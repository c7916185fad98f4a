import type { Owner } from '../servers/last-resort.ts';
import { type Asked, json, type Loopback, listen } from './loopback.ts';

/** What the application tells of the request that reached it. */
export type Echo = Readonly<{
  method: string;
  /** The request target as it arrived, undecoded. */
  url: string;
  /** Names as they were spelled and values, in turn. */
  rawHeaders: readonly string[];
  bodyLength: number;
}>;

export type EchoApp = Loopback &
  Readonly<{
    /** How many requests have reached it. */
    seen(): number;
    /** The latest request that reached it. */
    latest(): Echo | undefined;
  }>;

/** The values that reached the application under a name in any case; with `_` for `-`, as CGI would read them, too. */
export function valuesOf({ rawHeaders }: Echo, name: string): string[] {
  const canonical = (text: string) => text.toLowerCase().replaceAll('_', '-');
  return rawHeaders.filter((_, index) => index % 2 === 1 && canonical(rawHeaders[index - 1] ?? '') === canonical(name));
}

/**
 * An application behind a proxy: it answers 200 and tells, in JSON, what reached it. A path that ends in `/status/403`,
 * or the header `X-Answer-Status: 403`, makes it answer that status of its own. All it says is marked
 * `X-Answered-By: echo-app`; its own 401 carries its own `WWW-Authenticate`.
 */
export async function startEchoApp({ owner }: { owner?: Owner } = {}): Promise<EchoApp> {
  let seen = 0;
  let latest: Echo | undefined;
  const respond = (asked: Asked) => {
    const { method, url, rawHeaders, body } = asked;
    seen += 1;
    latest = { method, url, rawHeaders, bodyLength: body.length };
    const wanted = asked.header('x-answer-status') ?? /\/status\/(\d{3})(?:\?|$)/.exec(url)?.[1] ?? '200';
    return json(Number(wanted), latest, {
      'x-answered-by': 'echo-app',
      ...(wanted === '401' && { 'www-authenticate': 'Basic realm="echo-app"' }),
    });
  };
  const loopback = await listen(respond, owner);
  return { ...loopback, seen: () => seen, latest: () => latest };
}
