import { locate } from './programs.ts';
import { type ProxyOptions, startProxy } from './proxy.ts';
import type { Server } from './server.ts';

/** HAProxy with the given configuration. Lua files that it loads by relative path are given as `files`. */
export async function startHaproxy(options: ProxyOptions): Promise<Server> {
  return startProxy(options, {
    name: 'haproxy',
    files: { 'haproxy.cfg': `${options.config}\n` }, // it refuses a last line without its end
    command: locate('haproxy'),
    args: ['-db', '-f', 'haproxy.cfg'],
  });
}
