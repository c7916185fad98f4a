/** How applications read paths. They differ, and what one of them would take for a guarded path must not reach any. */

const decodeOnce = (path: string): string =>
  path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

/** `%c0%ae` is a dot and `%c0%af` a slash to decoders that take overlong UTF-8. */
const decodeOverlong = (path: string): string =>
  path.replace(/(?:%c0|\u00c0)(?:%(ae|af)|(\u00ae|\u00af))/gi, (_, hex?: string, raw?: string) =>
    hex?.toLowerCase() === 'ae' || raw === '\u00ae' ? '.' : '/',
  );

const resolveDots = (path: string): string => {
  const kept: string[] = [];
  for (const segment of path.split('/').slice(1)) {
    if (segment === '..') kept.pop();
    else if (segment !== '.') kept.push(segment);
  }
  return `/${kept.join('/')}`;
};

const steps: readonly ((path: string) => string)[] = [
  decodeOnce,
  decodeOverlong,
  resolveDots,
  (path) => path.replaceAll('\\', '/'),
  (path) => path.replace(/\/{2,}/g, '/'),
  (path) => path.replace(/;[^/]*/g, ''), // servlet path parameters
  (path) => path.replace(/\0.*$/s, ''), // C strings
  (path) => path.replace(/[?#].*$/s, ''),
  (path) => path.replace(/[\t\n\r]/g, ''), // the URL standard's parser
  (path) => path.replace(/^(?:[a-z][a-z0-9+.-]*:)?\/\/[^/]*/i, ''), // absolute form, or taken for it
];

const MOST = 2_000;

/** Every path that some application may read out of a request target. */
export function readings(target: string): ReadonlySet<string> {
  const [first = ''] = target.split('?');
  const found = new Set([first]);
  for (const path of found) {
    for (const step of steps) if (found.size < MOST) found.add(step(path));
  }
  return found;
}
