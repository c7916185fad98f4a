import { locate } from './programs.ts';
import { type ProxyOptions, startProxy } from './proxy.ts';
import type { Server } from './server.ts';

const own = ['admin off', 'auto_https off'];

/**
 * The Caddyfile with the options that keep a test from touching anything outside its directory. The block of global
 * options is the first in the file and has no address; a file without one gets one.
 */
export function withOwnOptions(caddyfile: string): string {
  const global = /^(?:\s*#.*\n|\s)*\{[ \t]*\n/.exec(caddyfile)?.[0];
  const head = global ?? '{\n';
  const rest = caddyfile.slice(global?.length ?? 0);
  const missing = own.filter((option) => !caddyfile.includes(option));
  return `${head}${missing.map((option) => `\t${option}\n`).join('')}${global === undefined ? '}\n' : ''}${rest}`;
}

/** Caddy with the given Caddyfile: the current one, or Debian 12's Caddy 2.6. */
export async function startCaddy(options: ProxyOptions, version: 'caddy' | 'caddy-old' = 'caddy'): Promise<Server> {
  return startProxy(options, {
    name: version,
    files: { Caddyfile: withOwnOptions(options.config) },
    command: locate(version),
    args: ['run', '--config', 'Caddyfile', '--adapter', 'caddyfile'],
    env: (directory) => ({
      HOME: directory,
      XDG_DATA_HOME: `${directory}/data`,
      XDG_CONFIG_HOME: `${directory}/config`,
    }),
  });
}
