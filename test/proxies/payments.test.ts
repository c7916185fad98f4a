/** What docs/payments.md tells operators of nginx, with the lines that it prints. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { decodePaymentRequest } from '@cashu/cashu-ts';
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
const [, printed = ''] = /```nginx\n(# in http\n[\s\S]*?)```/.exec(docs) ?? [];
const [map = '', set = '', line = ''] = printed.split(/^(?=# in server|# in ")/m);

/** The example, with the printed lines where they are said to belong. */
const withAmounts = (): string => {
  const whole = example('nginx/challenge.conf');
  const places = [
    ['auth_request /_sallyport;', set],
    ['location = /_sallyport {', line],
    ['location @refused {', line],
  ] as const;
  const config = places.reduce((text, [place, lines]) => {
    assert.equal(text.split(place).length, 2, place);
    return text.replace(place, `${place}\n${lines}`);
  }, whole);
  return `${map.replace('premium-plus', 'premium/plus')}\n${config}`;
};

test(
  'the printed lines raise a price, in the auth call and in the 402 that the client sees',
  needs('nginx'),
  async (t) => {
    assert.ok(map && set && line, 'docs/payments.md has lost its lines');
    const { url } = await startNginx({ config: withAmounts(), ports: house.ports, owner: t });
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
    assert.equal(
      await ask('/premium/1', { 'X-Required-Amount': '9000' }),
      prices.premium,
      'a client’s own copy is gone',
    );
    assert.equal(await ask('/premium/plus', { 'X-Required-Amount': '1' }), 5000);
  },
);
