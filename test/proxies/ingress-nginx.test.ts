/**
 * ingress-nginx tells Sallyport the client's Host header, and serves the host of an absolute-form target. So an Ingress for
 * a host names its rule in the auth-url; the rule's `match` is there for the second call, which tells the client why.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startNginx } from '../servers/nginx.ts';
import { needs } from '../servers/programs.ts';
import { answered, parseAnswers, sendRaw } from '../servers/raw-http.ts';
import { openHouse } from './house.ts';
import { ingressNginx } from './line-up.ts';

const house = await openHouse({ after });
const { key } = await house.gate.createKey();

const named = ingressNginx.replace('/auth/nginx"', '/auth/nginx?rule=closed-host"');
assert.notEqual(named, ingressNginx);

const ask = async (port: number, target: string, ...lines: string[]) => {
  const text = [`GET ${target} HTTP/1.1`, ...lines, 'Connection: close', '', ''].join('\r\n');
  const [answer] = parseAnswers((await sendRaw(text, { port, until: answered() })).text);
  return { status: answer?.status, code: JSON.parse(answer?.body ?? '{}').code };
};

test('with the rule in the auth-url, no host that a client names opens another', needs('nginx'), async (t) => {
  const { port } = await startNginx({ config: named, ports: house.ports, owner: t });
  const seen = house.app.seen();
  await ask(port, 'http://closed.example.com/1', 'Host: open.example.com');
  await ask(port, '/1', 'Host: open.example.com');
  await ask(port, '/1?rule=open-host', 'Host: open.example.com');
  assert.equal(house.app.seen(), seen);
});

test('with the rule in the auth-url and its match, honest clients are told the truth', needs('nginx'), async (t) => {
  const { port } = await startNginx({ config: named, ports: house.ports, owner: t });
  const host = 'Host: closed.example.com';
  assert.deepEqual(await ask(port, '/1', host), { status: 401, code: 'credential_required' });
  assert.deepEqual(await ask(port, '/1', host, 'X-API-Key: sk-rubbish'), { status: 401, code: 'invalid_api_key' });
  assert.equal((await ask(port, '/1', host, `X-API-Key: ${key}`)).status, 200);
});

test("without it the client's Host header decides, whatever host nginx serves", needs('nginx'), async (t) => {
  const { port } = await startNginx({ config: ingressNginx, ports: house.ports, owner: t });
  assert.equal((await ask(port, '/1', 'Host: closed.example.com')).status, 401);
  assert.equal((await ask(port, 'http://closed.example.com/1', 'Host: open.example.com')).status, 200);
});
