/** What docs/payments.md tells operators of proxies, with the lines that it prints. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { decodePaymentRequest } from '@cashu/cashu-ts';
import { startCaddy } from '../servers/caddy.ts';
import { freePort } from '../servers/free-port.ts';
import { startHaproxy } from '../servers/haproxy.ts';
import type { Owner } from '../servers/last-resort.ts';
import { startNginx } from '../servers/nginx.ts';
import { needs } from '../servers/programs.ts';
import { request } from '../servers/request.ts';
import { openHouse, prices } from './house.ts';
import { example } from './line-up.ts';

const house = await openHouse({ after });

const amountOf = (text: string | undefined) => decodePaymentRequest(text ?? '').amount?.toNumber();

const plain = `
server {
  listen 127.0.0.1:8000;
  auth_request /_sallyport;
  location / { proxy_pass http://127.0.0.1:3000; }
  location = /_sallyport {
    internal;
    proxy_pass http://127.0.0.1:8080/auth/nginx;
    proxy_pass_request_body off;
    proxy_set_header Content-Length "";
    proxy_set_header X-Original-URL $scheme://$host$request_uri;
    proxy_set_header X-Original-Method $request_method;
  }
}`;

test('an nginx that is told nothing but auth_request hands the payment request on', needs('nginx'), async (t) => {
  const { url } = await startNginx({ config: plain, ports: house.ports, owner: t });
  const { status, headers } = await request(url, '/premium/1');
  assert.equal(status, 401);
  const [, asked] = /^Cashu realm="sallyport", request="([^"]+)"$/.exec(headers['www-authenticate'] ?? '') ?? [];
  assert.equal(amountOf(asked), prices.premium);
});

const docs = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'payments.md'), 'utf8');

/** The lines that are printed for a proxy, in the order of their places, for the paths of this house. */
const printed = (language: string): string => {
  const [, lines] = new RegExp(`\`\`\`${language}\n([^\`]*)\`\`\``).exec(docs) ?? [];
  return lines?.replace('/premium-plus', '/premium/plus') ?? assert.fail(`docs/payments.md has lost its ${language}`);
};

/** A line of an example, and what is put below or above it. */
type Place = Readonly<{ at: string; above?: string; below?: string }>;

const placed = (path: string, places: readonly Place[]): string =>
  places.reduce((text, { at, above = '', below = '' }) => {
    assert.equal(text.split(at).length, 2, `${path} has one ${at}`);
    return text.replace(at, `${above}\n${at}\n${below}`);
  }, example(path));

const [map = '', set = '', header = ''] = printed('nginx').split(/^(?=# in (?:server|"))/m);

const files = { 'sallyport.lua': example('haproxy/sallyport.lua') };
const { ports } = house;

const fronts = [
  {
    name: 'nginx',
    start: (owner: Owner) =>
      startNginx({
        config: `${map}\n${placed('nginx/challenge.conf', [
          { at: 'auth_request /_sallyport;', below: set },
          { at: 'location = /_sallyport {', below: header },
          { at: 'location @refused {', below: header },
        ])}`,
        ports,
        owner,
      }),
  },
  {
    name: 'caddy',
    start: async (owner: Owner) => {
      const config = placed('caddy/Caddyfile', [{ at: 'forward_auth 127.0.0.1:8080 {', above: printed('caddyfile') }]);
      return startCaddy({ config, ports: { ...ports, '127.0.0.1:8000': await freePort() }, owner });
    },
  },
  {
    name: 'haproxy',
    start: async (owner: Owner) => {
      const config = placed('haproxy/haproxy.cfg', [
        { at: 'http-request lua.sallyport unless { path_beg /.sallyport/ }\n', above: printed('haproxy') },
      ]);
      return startHaproxy({ config, files, ports: { ...ports, '127.0.0.1:8001': await freePort() }, owner });
    },
  },
] as const;

for (const { name, start } of fronts) {
  test(
    `${name}: the printed lines raise a price, in the question and in the 402 that the client sees`,
    needs(name),
    async (t) => {
      const { url } = await start(t);
      const ask = async (path: string, headers: Readonly<Record<string, string>> = {}) => {
        const answer = await request(url, path, { headers });
        return answer.status === 402 ? amountOf(String(answer.headers['x-cashu'])) : answer.status;
      };
      const pay = async (amount: number) => ({ 'X-Cashu': await house.payer.token(amount) });
      assert.equal(await ask('/premium/1'), prices.premium);
      assert.equal(await ask('/premium/plus'), 5000);
      assert.equal(await ask('/premium/%70lus'), 5000, 'spelled otherwise');
      assert.equal(await ask('/premium/plus', await pay(4999)), 5000);
      assert.equal(await ask('/premium/plus', await pay(5000)), 200);
      assert.equal(await ask('/premium/1', { 'X-Required-Amount': '9000' }), prices.premium, 'a client’s own is gone');
      assert.equal(await ask('/premium/plus', { 'X-Required-Amount': '1' }), 5000);
    },
  );
}
