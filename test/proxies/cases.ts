/** What clients ask for, and what must come of it, whichever proxy is in between. */
import { request } from '../servers/request.ts';
import { type House, prices } from './house.ts';

type Headers = Readonly<Record<string, string>>;

export type Case = Readonly<{
  title: string;
  path: string;
  method?: string;
  headers?: () => Headers | Promise<Headers>;
  status: number;
  /** Of the refusal. Without it the application answers. */
  code?: string;
  /** Headers that must reach the client. */
  told?: Readonly<Record<string, RegExp>>;
  /** What the application learns; of every other managed header it learns nothing. */
  identity?: Headers;
  /** Credential headers that the application keeps. The others it must not see. */
  keeps?: Headers;
}>;

const bearer = (token: string): Headers => ({ Authorization: `Bearer ${token}` });

export async function casesOf(house: House): Promise<readonly Case[]> {
  const { gate, issuer, payer, unluckyPayer } = house;
  const { key, id } = await gate.createKey();
  const jwt = (claims: Record<string, unknown> = {}) => issuer.sign({ sub: 'john', aud: 'api', ...claims });
  const usedUp = async () => {
    const own = bearer((await gate.createKey()).key);
    await request(gate.url, '/auth/native/scarce/1', { headers: own });
    return own;
  };
  const rich = await gate.createKey({ credits: { remaining: 1000 } });
  const spent = async () => {
    const own = bearer((await gate.createKey({ credits: { remaining: 1 } })).key);
    await request(gate.url, '/auth/native/orders/1', { headers: own });
    return own;
  };
  const anonymous = { 'x-auth-method': 'anonymous' };
  const byKey = { 'x-auth-method': 'api_key', 'x-user-id': 'user123', 'x-api-key-id': id };
  const byMoney = {
    'x-auth-method': 'cashu',
    'x-payment-verified': 'true',
    'x-payment-amount': String(prices.premium),
    'x-payment-balance': '0;unit=sat',
  };
  const johnOfStaff = { scope: 'staff', email: 'j@example.com', realm_access: { roles: ['admin', 'boss'] } };
  const money = () => payer.token(prices.premium);
  const challenge = { 'www-authenticate': /^Bearer realm="sallyport"/ };
  const balance = { 'x-payment-balance': /^0;unit=sat$/ };
  const invoice = { 'x-cashu': /^creqA/ };

  // biome-ignore format: a table is read by its columns
  return [
    { title: 'anybody on a free path', path: '/free/1?x=1', status: 200, identity: anonymous },
    { title: "the application's own credential on a free path", path: '/free/1', headers: () => ({ Authorization: 'Basic am9objpzZWNyZXQ=' }), status: 200, identity: anonymous, keeps: { authorization: 'Basic am9objpzZWNyZXQ=' } },
    { title: 'a foreign bearer token on a free path', path: '/free/1', headers: () => bearer('opaque-of-the-application'), status: 200, identity: anonymous, keeps: { authorization: 'Bearer opaque-of-the-application' } },
    { title: 'an API key on a free path is taken off', path: '/free/1', headers: () => bearer(key), status: 200, identity: anonymous },
    { title: 'an API key', path: '/orders/1?x=1', headers: () => bearer(key), status: 200, identity: byKey },
    { title: 'an API key in X-API-Key', path: '/orders/1', headers: () => ({ 'X-API-Key': key }), status: 200, identity: byKey },
    { title: 'an API key, with a credential of the application besides', path: '/orders/1', headers: () => ({ 'X-API-Key': key, Authorization: 'Basic am9objpzZWNyZXQ=' }), status: 200, identity: byKey, keeps: { authorization: 'Basic am9objpzZWNyZXQ=' } },
    { title: 'an API key that has credits', path: '/orders/1', headers: () => bearer(rich.key), status: 200, identity: { ...byKey, 'x-api-key-id': rich.id }, told: { 'x-credits-remaining': /^9\d\d$/ } },
    { title: 'a JWT', path: '/orders/1', headers: async () => bearer(await jwt()), status: 200, identity: { 'x-auth-method': 'jwt', 'x-user-id': 'john' } },
    { title: 'a JWT with a mail address and roles', path: '/staff/1', headers: async () => bearer(await jwt(johnOfStaff)), status: 200, identity: { 'x-auth-method': 'jwt', 'x-user-id': 'john', 'x-user-email': 'j@example.com', 'x-user-roles': 'admin,boss' } },
    { title: 'a JWT with a name beyond ASCII', path: '/orders/1', headers: async () => bearer(await jwt({ sub: 'jörg' })), status: 200, identity: { 'x-auth-method': 'jwt', 'x-user-id': Buffer.from('jörg').toString('latin1') } },
    { title: 'money in X-Cashu', path: '/premium/1', headers: async () => ({ 'X-Cashu': await money() }), status: 200, identity: byMoney, told: balance },
    { title: 'money as a bearer token', path: '/premium/1', headers: async () => bearer(await money()), status: 200, identity: byMoney, told: balance },
    { title: 'whoever has a key need not pay', path: '/premium/1', headers: () => bearer(key), status: 200, identity: byKey },
    { title: 'no credential', path: '/orders/1', status: 401, code: 'credential_required', told: challenge },
    { title: 'no credential, HEAD', method: 'HEAD', path: '/orders/1', status: 401, code: 'credential_required', told: challenge },
    { title: 'no credential, OPTIONS', method: 'OPTIONS', path: '/orders/1', status: 401, code: 'credential_required', told: challenge },
    { title: 'a wrong API key', path: '/orders/1', headers: () => bearer(`${key}x`), status: 401, code: 'invalid_api_key', told: challenge },
    { title: 'an expired JWT', path: '/orders/1', headers: async () => bearer(await jwt({ exp: 1 })), status: 401, code: 'expired_token', told: challenge },
    { title: 'no money', path: '/premium/1', status: 402, code: 'payment_required', told: invoice },
    { title: 'no money, HEAD', method: 'HEAD', path: '/premium/1', status: 402, code: 'payment_required', told: invoice },
    { title: 'no money, with a query that looks like ours', path: '/premium/1?rule=free&rule=free', status: 402, code: 'payment_required', told: invoice },
    { title: 'too little money', path: '/premium/1', headers: async () => ({ 'X-Cashu': await payer.token(prices.premium - 1) }), status: 402, code: 'insufficient_payment', told: invoice },
    { title: 'no rule', path: '/nothing', status: 403, code: 'no_rule' },
    { title: 'a JWT without the scope', path: '/staff/1', headers: async () => bearer(await jwt()), status: 403, code: 'insufficient_scope' },
    { title: 'a token that is none', path: '/premium/1', headers: () => ({ 'X-Cashu': 'cashuBrubbish' }), status: 400, code: 'malformed_payment' },
    { title: 'two credentials', path: '/premium/1', headers: async () => ({ ...bearer(key), 'X-Cashu': await money() }), status: 400, code: 'ambiguous_credentials' },
    { title: 'a limit reached', path: '/scarce/1', headers: usedUp, status: 429, code: 'rate_limited', told: { 'retry-after': /^\d+$/, 'x-ratelimit-limit': /^1$/, 'x-ratelimit-remaining': /^0$/, ratelimit: /^"rule-86400s";r=0;/ } },
    { title: 'an API key whose credits are used up', path: '/orders/1', headers: spent, status: 429, code: 'no_credits_left', told: { 'x-credits-remaining': /^0$/ } },
    { title: 'an issuer that cannot be reached', path: '/orders/1', headers: async () => bearer(await jwt({ iss: 'https://gone.internal' })), status: 503, code: 'keys_unavailable', told: { 'retry-after': /^\d+$/ } },
    { title: 'a mint that does not know', path: '/premium/1', headers: async () => ({ 'X-Cashu': await unluckyPayer.token(prices.premium) }), status: 503, code: 'payment_uncertain', told: { 'retry-after': /^\d+$/ } },
  ];
}
