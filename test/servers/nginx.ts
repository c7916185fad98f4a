import { locate } from './programs.ts';
import { type ProxyOptions, startProxy } from './proxy.ts';
import type { Server } from './server.ts';

export type NginxOptions = ProxyOptions &
  Readonly<{
    /** The modules that the configuration needs beyond a bare nginx. */
    modules?: readonly ('js' | 'lua')[];
    workers?: number;
  }>;

// The Lua module needs ndk, which lies beside it.
const loads = {
  js: () => [locate('nginx-js')],
  lua: () => [locate('nginx-lua').replace('ngx_http_lua_module', 'ndk_http_module'), locate('nginx-lua')],
};

const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

/** nginx with the given configuration inside its `http {}`. */
export async function startNginx(options: NginxOptions): Promise<Server> {
  const { modules = [], workers = 1 } = options;
  const main = [
    ...modules.flatMap((module) => loads[module]()).map((path) => `load_module ${path};`),
    // The workers of a master that runs as root could not enter the working directory as www-data.
    ...(process.getuid?.() === 0 ? ['user root;'] : []),
    'daemon off;',
    `worker_processes ${workers};`,
    'pid nginx.pid;',
    'error_log stderr info;',
    'events { worker_connections 1024; }',
    'http {',
    '  access_log off;',
    ...temporary.map((kind) => `  ${kind}_temp_path tmp-${kind};`),
    '  include site.conf;',
    '}',
    '',
  ];
  return startProxy(options, {
    name: 'nginx',
    files: { 'site.conf': options.config, 'nginx.conf': main.join('\n') },
    command: locate('nginx'),
    args: ['-p', '.', '-c', 'nginx.conf', '-e', 'stderr'],
  });
}
