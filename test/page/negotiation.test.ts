/** Who gets the payment page, and who the problem document. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createPayer } from '../../examples/play-mint/payer.ts';
import { startMint } from '../peers/mint.ts';
import { startSallyport } from '../sallyport.ts';
import { request } from '../servers/request.ts';

const mint = await startMint({ owner: { after } });
const gate = await startSallyport({
  owner: { after },
  config: `
cashu: { mints: ["${mint.url}"] }
rules:
  - { name: keys, match: { path: "/keys/**" }, accept: [api_key] }
  - { name: premium, match: { path: "/premium/**" }, accept: [cashu], price: 8 }
`,
});

const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8';

type Headers = Readonly<Record<string, string>>;

const ask = async (path: string, headers: Headers, method = 'GET') => {
  const answer = await request(gate.url, path, { method, headers: { Host: 'shop.example.com', ...headers } });
  const [type = ''] = (answer.headers['content-type'] ?? '').split(';');
  return { ...answer, type };
};

const navigation = { Accept: browser, 'Sec-Fetch-Dest': 'document' };

for (const [title, headers, type] of [
  ['a browser', navigation, 'text/html'],
  ['a browser without TLS, which says less', { Accept: browser }, 'text/html'],
  ['a frame', { Accept: browser, 'Sec-Fetch-Dest': 'iframe' }, 'text/html'],
  ['a picture', { Accept: 'image/avif,*/*', 'Sec-Fetch-Dest': 'image' }, 'application/problem+json'],
  ['a script of a page', { Accept: '*/*', 'Sec-Fetch-Dest': 'empty' }, 'application/problem+json'],
  ['a script that asks for HTML', { Accept: browser, 'Sec-Fetch-Dest': 'empty' }, 'application/problem+json'],
  ['a program', { Accept: '*/*' }, 'application/problem+json'],
  ['a program that says nothing', {}, 'application/problem+json'],
  ['a program that takes both', { Accept: 'application/json, text/html;q=0.1' }, 'application/problem+json'],
] as const) {
  test(`${title} is answered in ${type}, with the payment request in any case`, async () => {
    const answer = await ask('/auth/native/premium/1', headers);
    assert.deepEqual([answer.status, answer.type, answer.headers.vary], [402, type, 'Accept, Sec-Fetch-Dest']);
    assert.match(String(answer.headers['x-cashu']), /^creqA/);
    assert.equal(answer.headers['cache-control'], 'no-store');
  });
}

const described = {
  'X-Forwarded-Method': 'GET',
  'X-Forwarded-Uri': '/premium/1',
  'X-Forwarded-Host': 'shop.example.com',
};
const original = { 'X-Original-URL': 'http://shop.example.com/premium/1', 'X-Original-Method': 'GET' };

for (const [path, headers, type] of [
  ['/auth/envoy/premium/1', {}, 'text/html'],
  ['/auth/traefik', described, 'text/html'],
  ['/auth/caddy', described, 'text/html'],
  ['/auth/haproxy', described, 'text/html'],
  ['/auth', described, 'text/html'],
  ['/auth/challenge', original, 'text/html'],
  ['/', { 'X-Code': '401', 'X-Original-URI': '/premium/1' }, 'text/html'],
  ['/auth/native/keys/1', {}, 'application/problem+json'],
  ['/auth/native/nothing', {}, 'application/problem+json'],
] as const) {
  test(`a browser at ${path} ${'X-Code' in headers ? 'as the default backend ' : ''}is answered in ${type}`, async () => {
    assert.equal((await ask(path, { ...navigation, ...headers })).type, type);
  });
}

test('nginx, which drops bodies, is told by headers as always', async () => {
  const answer = await ask('/auth/nginx', { ...navigation, ...original });
  assert.deepEqual([answer.status, answer.headers['x-auth-status'], answer.body], [401, '402', '']);
});

test('what cannot be asked for again by its address has no page', async () => {
  assert.equal((await ask('/auth/native/premium/1', navigation, 'POST')).type, 'application/problem+json');
  assert.equal((await ask('/auth/native/premium/1', navigation, 'HEAD')).type, 'text/html');
});

test('a session that is over is told so on the page', async () => {
  const { status, body } = await ask('/auth/native/premium/1', { ...navigation, Cookie: 'sallyport-session=unknown' });
  assert.equal(status, 402);
  assert.match(body, /Your earlier payment is not remembered any more/);
});

test('the page knows what is wanted, as the form will name it', async () => {
  const { body } = await ask('/auth/native/premium/a%20b?x=%22&y=1', { ...navigation, 'X-Required-Amount': '21' });
  assert.match(body, /<input type="hidden" name="to" value="\/premium\/a%20b\?x=%22&amp;y=1">/);
  assert.match(body, /<input type="hidden" name="amount" value="21">/);
  assert.match(body, /<strong>21 sat<\/strong>/);
});

const post = async (fields: Readonly<Record<string, string>>, headers: Headers = navigation) => {
  const answer = await request(gate.url, '/.sallyport/pay', {
    method: 'POST',
    body: new URLSearchParams(fields).toString(),
    headers: { Host: 'shop.example.com', 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
  });
  return { ...answer, type: answer.headers['content-type']?.split(';')[0] };
};

test('a form of a browser that is refused is answered by the page, with the token in its field; a script by the document', async () => {
  const token = await createPayer(mint.url).token(7);
  const page = await post({ token, to: '/premium/1' });
  assert.deepEqual([page.status, page.type], [402, 'text/html']);
  assert.match(page.body, /This token is worth too little/);
  assert.ok(page.body.includes(`>${token}</textarea>`));
  const document = await post({ token, to: '/premium/1' }, { Accept: 'application/problem+json' });
  assert.deepEqual([document.status, document.type], [402, 'application/problem+json']);
  assert.ok(!document.body.includes(token));
});

test('a form for what has no price is answered by the document', async () => {
  assert.equal((await post({ token: 'x', to: '/keys/1' })).type, 'application/problem+json');
});
