/** The head of a request over HTTP/2, as HTTP/1.1 would have said it: whoever reads it further on knows one form alone (RFC 9113 section 8.3). */

export type RequestHead = Readonly<{
  method: string;
  url: string;
  /** Name, value, name, value; `Host` first, cookies in one line. */
  rawHeaders: string[];
}>;

/** RFC 9113 section 8.2.2: they speak of a connection, and here nobody may say what becomes of ours. */
const ofConnection = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

const isOfConnection = (name: string, value: string): boolean =>
  ofConnection.has(name) || (name === 'te' && value !== 'trailers');

const isPath = (path: string, method: string): boolean =>
  path.startsWith('/') || (path === '*' && method === 'OPTIONS');

/** What is asked for, and of whom. Each is undefined where it cannot be told. */
class Target {
  readonly #fields = new Map<string, string>();
  isAmbiguous = false;

  add(name: string, value: string): void {
    if (this.#fields.has(name)) this.isAmbiguous = true;
    this.#fields.set(name, value);
  }

  get method(): string | undefined {
    const method = this.#fields.get(':method');
    return method === 'CONNECT' ? undefined : method;
  }

  get path(): string | undefined {
    const path = this.#fields.get(':path');
    return path !== undefined && isPath(path, this.method ?? '') ? path : undefined;
  }

  /** Proxies write here how their own client spoke to them. */
  get hasScheme(): boolean {
    const scheme = this.#fields.get(':scheme');
    return scheme === 'https' || scheme === 'http';
  }

  /** RFC 9113 section 8.3.1: where both are there they say the same. */
  get host(): string | undefined {
    const [authority, host] = [this.#fields.get(':authority'), this.#fields.get('host')];
    if (authority === undefined || host === undefined) return authority || host;
    return authority.toLowerCase() === host.toLowerCase() ? authority : undefined;
  }
}

/** The other fields. Cookies may come in crumbs, which are one line to whoever reads them (RFC 9113 section 8.2.3). */
class Fields {
  readonly lines: string[] = [];
  hasLength = false;
  #cookieAt = -1;

  add(name: string, value: string): void {
    if (name === 'cookie' && this.#cookieAt >= 0) {
      this.lines[this.#cookieAt] += `; ${value}`;
      return;
    }
    this.lines.push(name, value);
    if (name === 'cookie') this.#cookieAt = this.lines.length - 1;
    if (name === 'content-length') this.hasLength = true;
  }
}

/**
 * `raw` are the fields as they came: name, value, name, value. `hasBody`: the stream does not end with the head. Undefined for
 * whatever two programs could read differently, and for CONNECT.
 */
export const readHead = (raw: readonly string[], hasBody: boolean): RequestHead | undefined => {
  const target = new Target();
  const fields = new Fields();
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] ?? '';
    const value = raw[index + 1] ?? '';
    if (isOfConnection(name, value)) return undefined;
    if (name.startsWith(':') || name === 'host') target.add(name, value);
    else fields.add(name, value);
  }
  const { method, path, host, hasScheme, isAmbiguous } = target;
  if (isAmbiguous || !method || !path || !host || !hasScheme) return undefined;
  // A body without a length is what HTTP/1.1 calls chunked.
  if (hasBody && !fields.hasLength) fields.add('transfer-encoding', 'chunked');
  return { method, url: path, rawHeaders: ['Host', host, ...fields.lines] };
};
