/** A session among other credentials: where it counts, and where a browser merely sent its cookie along. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from './decide.ts';
import { createDress } from './dress.ts';
import { requestWith as request } from './harness.test.ts';
import { type Identification, type Identity, payer, rejected, sessionHolder } from './identity.ts';
import type { Account, CashuToken } from './payment.ts';
import { refuse } from './refusal.ts';
import type { Identifier, Rule } from './rule.ts';

const mint = 'https://mint.example';
const token: CashuToken = { mint, unit: 'sat', amount: 5, proofs: [] };
const account: Account = { id: 'pay_1', mint, unit: 'sat' };

const always =
  (identity: Identity): Identifier =>
  () => ({ outcome: 'identified', identity });

const sessions: Readonly<Record<string, Identification>> = {
  good: { outcome: 'identified', identity: sessionHolder(account) },
  other: { outcome: 'identified', identity: sessionHolder({ ...account, id: 'pay_2' }) },
  dollars: { outcome: 'identified', identity: sessionHolder({ ...account, unit: 'usd' }) },
  elsewhere: { outcome: 'identified', identity: sessionHolder({ ...account, mint: `${mint}/2` }) },
  over: rejected(refuse('invalid_session', 'It is over.')),
  unreadable: rejected(refuse('store_unavailable', 'Try again.')),
};

const identifiers: Rule['identifiers'] = {
  api_key: always({ method: 'api_key', keyId: 'k', limits: [], subject: 'user', scopes: [], roles: [], claims: {} }),
  cashu: always(payer(token)),
  session: (_request, { value }) => sessions[value] ?? rejected(refuse('invalid_session', 'Unknown.')),
};

const invite = refuse('payment_required', 'Pay 5 sat.', { headers: { 'X-Cashu': 'creqA' } });

const rule = (changes: Partial<Rule> = {}): Rule => ({
  name: 'rule',
  identifiers,
  acceptsAnonymous: false,
  invite: () => invite,
  checks: [],
  dress: createDress([], []),
  passToken: true,
  ...changes,
});

const ask = (changes: Partial<Rule>, headers: Record<string, string>) =>
  decide({ apiKeyPrefix: 'sk-', imitates: () => false }, rule(changes), request(headers), 'enforce');

const word = async (changes: Partial<Rule>, headers: Record<string, string>): Promise<string> => {
  const decision = await ask(changes, headers);
  if (decision.verdict === 'deny') return decision.refusal.code;
  const { identity } = decision;
  const opened = 'account' in identity ? (identity.account?.id ?? '') : '';
  return `${identity.method} ${opened}`.trim();
};

const cookie = (...ids: string[]) => ({ cookie: ids.map((id) => `sallyport-session=${id}`).join('; ') });
const header = (id: string) => ({ 'x-payment-session': id });
const key = { 'x-api-key': 'sk-1' };
const money = { 'x-cashu': 'cashuB' };
const keyAlone = { identifiers: { api_key: always(sessionHolder(account)) } };
const free = { identifiers: {}, acceptsAnonymous: true };

for (const [title, changes, headers, expected] of [
  ['in a cookie', {}, cookie('good'), 'session pay_1'],
  ['in its header', {}, header('good'), 'session pay_1'],
  ['in both', {}, { ...cookie('good'), ...header('good') }, 'session pay_1'],
  ['in its header, beside the cookie of another', {}, { ...cookie('good'), ...header('other') }, 'session pay_2'],
  ['in two cookies that differ', {}, cookie('good', 'other'), 'ambiguous_credentials'],
  ['in a header with two values', {}, header('good, other'), 'ambiguous_credentials'],
  ['that is over', {}, cookie('over'), 'invalid_session'],
  ['that is over, where anybody may enter', { acceptsAnonymous: true }, cookie('over'), 'invalid_session'],
  ['as a cookie, beside a key', {}, { ...cookie('good'), ...key }, 'api_key'],
  ['in its header, beside a key', {}, { ...header('good'), ...key }, 'ambiguous_credentials'],
  ['as a cookie, beside a token', {}, { ...cookie('good'), ...money }, 'cashu pay_1'],
  ['in its header, beside a token', {}, { ...header('good'), ...money }, 'cashu pay_1'],
  ['that is over, beside a token', {}, { ...cookie('over'), ...money }, 'cashu'],
  ['that cannot be looked up, beside a token', {}, { ...cookie('unreadable'), ...money }, 'store_unavailable'],
  ['of another unit, beside a token', {}, { ...cookie('dollars'), ...money }, 'cashu'],
  ['of another mint, beside a token', {}, { ...cookie('elsewhere'), ...money }, 'cashu'],
  ['as a cookie, where sessions are not taken', keyAlone, cookie('good'), 'payment_required'],
  [
    'as a cookie, where it is not taken and anybody may enter',
    { ...keyAlone, acceptsAnonymous: true },
    cookie('good'),
    'anonymous',
  ],
  [
    'in its header, where it is not taken and anybody may enter',
    { ...keyAlone, acceptsAnonymous: true },
    header('good'),
    'payment_required',
  ],
  ['where nothing is examined', free, { ...cookie('good'), ...header('good') }, 'anonymous'],
] satisfies [string, Partial<Rule>, Record<string, string>, string][]) {
  test(`a session ${title} → ${expected}`, async () => {
    assert.equal(await word(changes, headers), expected);
  });
}

test('whoever comes with a session that is over is told what it costs', async () => {
  const decision = await ask({}, cookie('over'));
  assert.ok(decision.verdict === 'deny');
  assert.equal(decision.refusal.detail, 'It is over. Pay 5 sat.');
  assert.deepEqual(decision.refusal.headers, invite.headers);
});

for (const [title, changes, headers, remove, left] of [
  ['a cookie of no session', {}, { ...key, cookie: 'a=1' }, [], undefined],
  ['the session that opened', {}, { cookie: 'a=1; sallyport-session=good' }, [], 'a=1'],
  ['a session beside a key', {}, { ...key, ...cookie('good') }, [], ''],
  [
    'a session on a free path',
    free,
    { ...header('good'), cookie: 'sallyport-session=x; b=2' },
    ['x-payment-session'],
    'b=2',
  ],
  ['two cookies, one for https', free, { cookie: '__Host-sallyport-session=x; sallyport-session=y; b=2' }, [], 'b=2'],
] satisfies [string, Partial<Rule>, Record<string, string>, string[], string | undefined][]) {
  test(`taken off before the application, even with pass_token: ${title}`, async () => {
    const decision = await ask(changes, headers);
    assert.ok(decision.verdict === 'allow');
    assert.deepEqual([decision.remove, decision.cookie], [remove, left]);
  });
}
