/** Which free port stands in for which address that a configuration names, as in `{ '127.0.0.1:8080': 21873 }`. */
export type Ports = Readonly<Record<string, number>>;

// Envoy writes address and port apart, everything else writes 127.0.0.1:8080.
const spellings = [/(127\.0\.0\.1:)(\d+)\b/g, /(\bport_value:\s*)(\d+)\b/g];

/**
 * Puts free ports in the place of the literal loopback addresses of a configuration that users read.
 * Throws on an address that no port was given for: a test must not use a fixed one.
 */
export function substitute(text: string, ports: Ports): string {
  return spellings.reduce(
    (done, spelling) =>
      done.replace(spelling, (_match, before: string, port: string) => {
        const free = ports[`127.0.0.1:${port}`];
        if (free === undefined)
          throw new Error(`The configuration names 127.0.0.1:${port}, but no port stands in for it`);
        return `${before}${free}`;
      }),
    text,
  );
}
