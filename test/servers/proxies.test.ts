import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { startEchoApp } from '../peers/echo-app.ts';
import { startCaddy, withOwnOptions } from './caddy.ts';
import { startEnvoy } from './envoy.ts';
import { startHaproxy } from './haproxy.ts';
import type { Owner } from './last-resort.ts';
import { startNginx } from './nginx.ts';
import { needs, type ProgramName } from './programs.ts';
import { request } from './request.ts';
import type { Server } from './server.ts';

const nginx =
  'server { listen 127.0.0.1:8000; location / { proxy_pass http://127.0.0.1:3000; add_header X-By $by always; } }';
const caddyfile = 'http://127.0.0.1:8000 {\n\theader X-By proxy\n\treverse_proxy 127.0.0.1:3000\n}\n';
const haproxy = `
global
  lua-load by.lua
defaults
  mode http
  timeout connect 2s
  timeout client 30s
  timeout server 30s
frontend in
  bind 127.0.0.1:8000
  http-response lua.by
  default_backend app
backend app
  server app 127.0.0.1:3000`;
const byLua = `core.register_action('by', { 'http-res' }, function(txn) txn.http:res_set_header('x-by', 'proxy') end, 0)`;
const envoy = `
static_resources:
  listeners:
  - address: { socket_address: { address: 127.0.0.1, port_value: 8000 } }
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: in
          route_config:
            response_headers_to_add: [ { header: { key: x-by, value: proxy } } ]
            virtual_hosts: [ { name: all, domains: ["*"], routes: [ { match: { prefix: / }, route: { cluster: app } } ] } ]
          http_filters:
          - name: envoy.filters.http.router
            typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
  clusters:
  - name: app
    type: STATIC
    load_assignment: { cluster_name: app, endpoints: [ { lb_endpoints: [ { endpoint: {
      address: { socket_address: { address: 127.0.0.1, port_value: 3000 } } } } ] } ] }
`;

type Start = (ports: Record<string, number>, owner: Owner) => Promise<Server>;

const proxies: readonly (readonly [what: string, programs: readonly ProgramName[], start: Start])[] = [
  ['nginx', ['nginx'], (ports, owner) => startNginx({ config: nginx.replace('$by', 'proxy'), ports, owner })],
  [
    'nginx with njs',
    ['nginx', 'nginx-js'],
    (ports, owner) => {
      const config = `js_import by from by.js; js_set $by by.by;\n${nginx}`;
      const files = { 'by.js': `export default { by: () => 'proxy' };` };
      return startNginx({ config, ports, files, modules: ['js'], owner });
    },
  ],
  [
    'nginx with Lua',
    ['nginx', 'nginx-lua'],
    (ports, owner) => {
      const config = nginx.replace('location / {', `location / { set_by_lua_block $by { return 'proxy' }`);
      return startNginx({ config, ports, modules: ['lua'], owner });
    },
  ],
  ['Caddy', ['caddy'], (ports, owner) => startCaddy({ config: caddyfile, ports, owner })],
  ['Caddy 2.6', ['caddy-old'], (ports, owner) => startCaddy({ config: caddyfile, ports, owner }, 'caddy-old')],
  [
    'HAProxy with Lua',
    ['haproxy'],
    (ports, owner) => startHaproxy({ config: haproxy, ports, files: { 'by.lua': byLua }, owner }),
  ],
  ['Envoy', ['envoy'], (ports, owner) => startEnvoy({ config: envoy, ports, owner })],
];

for (const [what, programs, start] of proxies) {
  test(
    `${what} runs from a given configuration, on a port of its own, and leaves nothing behind`,
    needs(...programs),
    async (t) => {
      const app = await startEchoApp({ owner: t });
      const proxy = await start({ '127.0.0.1:3000': app.port }, t);
      const answer = await request(proxy.url, '/some?where=1', { headers: { 'X-Answer-Status': '403' } });
      assert.deepEqual(
        [answer.status, answer.headers['x-answered-by'], answer.headers['x-by']],
        [403, 'echo-app', 'proxy'],
      );
      assert.equal(app.latest()?.url, '/some?where=1');
      await proxy.stop();
      assert.equal(existsSync(proxy.directory), false);
      await assert.rejects(request(proxy.url, '/'), /ECONNREFUSED/);
    },
  );
}

test('a configuration that a proxy refuses is reported in its own words', needs('nginx'), async () => {
  await assert.rejects(
    startNginx({ config: 'no_such_directive;', ports: {} }),
    /unknown directive "no_such_directive"/,
  );
});

for (const [what, given, expected] of [
  ['without global options', 'a.test {\n}\n', '{\n\tadmin off\n\tauto_https off\n}\na.test {\n}\n'],
  ['with them', '# mine\n{\n\tadmin off\n}\n:80 {\n}\n', '# mine\n{\n\tauto_https off\n\tadmin off\n}\n:80 {\n}\n'],
] as const) {
  test(`a Caddyfile ${what} gets the options that keep it to itself`, () => {
    assert.equal(withOwnOptions(given), expected);
  });
}
