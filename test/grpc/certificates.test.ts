/** Certificates that Envoy tells of in a Check: by itself, or in the header that the configuration names, and never both. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { callUnary, checkOf, createClient, type Outcome } from '../peers/envoy-api.ts';
import { startSallyport } from '../sallyport.ts';
import { createAuthority } from '../servers/certificates.ts';

const owner = { after };
const authority = createAuthority(owner);
const escapedOf = (name: string) =>
  encodeURIComponent(readFileSync(authority.issue(name, undefined, { subject: `/O=MyOrg/CN=${name}` }).cert, 'utf8'));
const orders = escapedOf('orders');
const proxy = escapedOf('proxy');

const rules = `
grpc: { addr: "127.0.0.1:0" }
rules:
  - { name: services, match: { path: "/services/**" }, accept: [certificate] }
  - { name: open, match: { path: "/free/**" }, accept: [anonymous] }
`;
const [plain, byHeader, elsewhere, untrusting] = await Promise.all(
  ['', 'forwarded_certificates: envoy', 'forwarded_certificates: traefik', 'trusted_proxies: [203.0.113.7]'].map(
    async (line) => createClient((await startSallyport({ owner, config: `${line}${rules}` })).grpcPort, owner),
  ),
);

/** Who was let in, or the code of the refusal. */
const outcomeOf = ({ code, message }: Outcome): string => {
  assert.equal(code, 0);
  if (!message.ok_response) return JSON.parse(message.denied_response.body).code;
  const headers: readonly { header: { key: string; value: string } }[] = message.ok_response.headers;
  return headers.find(({ header }) => header.key === 'x-user-id')?.header.value ?? 'anonymous';
};

const xfcc = { 'x-forwarded-client-cert': 'Subject="CN=orders,O=MyOrg"' };
const principal = 'spiffe://zone/orders';

for (const [title, client, headers, source, expected] of [
  ['Envoy’s own word counts', plain, {}, { certificate: orders }, 'orders'],
  ['a header that nobody configured does not', plain, xfcc, {}, 'credential_required'],
  ['a header beside Envoy’s own word changes nothing', plain, xfcc, { certificate: proxy }, 'proxy'],
  ['a principal says not what kind of name it is', plain, {}, { principal }, 'credential_required'],
  ['what cannot be read is refused', plain, {}, { certificate: 'rubbish' }, 'certificate_refused'],
  ['two certificates are refused', plain, {}, { certificate: orders + proxy }, 'certificate_refused'],
  ['where the header is configured it counts', byHeader, xfcc, {}, 'orders'],
  [
    'and goes before the one on Envoy’s connection, which may be a proxy’s',
    byHeader,
    xfcc,
    { certificate: proxy },
    'orders',
  ],
  [
    'who comes without it is not the proxy on Envoy’s connection',
    byHeader,
    {},
    { certificate: proxy },
    'credential_required',
  ],
  ['a header that cannot be read is refused', byHeader, { 'x-forwarded-client-cert': 'x' }, {}, 'certificate_refused'],
  ['the form of another proxy is no matter here', elsewhere, xfcc, { certificate: orders }, 'orders'],
  ['whom nobody trusts tells nothing', untrusting, {}, { certificate: orders }, 'untrusted_proxy'],
] as const) {
  test(`${title} → ${expected}`, async () => {
    assert.ok(client);
    const check = checkOf({ path: '/services/1', headers }, { source });
    assert.equal(outcomeOf(await callUnary(client, 'check', check)), expected);
  });
}
