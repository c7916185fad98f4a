import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide, type House } from './decide.ts';
import { createDress, createImitationTest } from './dress.ts';
import type { Findings } from './findings.ts';
import { requestWith as request } from './harness.test.ts';
import { anonymous, type Identification, type Identity, payer, rejected } from './identity.ts';
import type { CashuToken } from './payment.ts';
import { refuse } from './refusal.ts';
import type { Identifier, Intent, Rule } from './rule.ts';
import { Secret } from './secret.ts';

const managedHeaders = [
  'X-User-ID',
  'X-User-Roles',
  'X-Payment-Verified',
  'X-Payment-Amount',
  'X-Payment-Balance',
  'X-Payment-Use',
];
const house: House = {
  apiKeyPrefix: 'sk-',
  imitates: createImitationTest(managedHeaders),
};

const user = (subject: string, roles: string[] = []): Identity => ({
  method: 'jwt',
  issuer: 'i',
  subject,
  roles,
  scopes: [],
  claims: {},
});

/** Takes credentials that contain `good`; anything else is bad. */
const identifier =
  (identity: Identity): Identifier =>
  (_request, { value }): Identification =>
    value.includes('good')
      ? { outcome: 'identified', identity }
      : rejected(refuse('invalid_token', 'bad', { headers: {} }));

const token: CashuToken = { mint: 'https://mint', unit: 'sat', amount: 5, proofs: [] };

const rule = (changes: Partial<Rule> = {}): Rule => ({
  name: 'rule',
  identifiers: {
    api_key: identifier(user('key-holder')),
    jwt: identifier(user('jwt-holder')),
    cashu: identifier(payer(token)),
  },
  acceptsAnonymous: false,
  invite: () => refuse('credential_required', 'come in'),
  checks: [],
  dress: createDress(managedHeaders, [{ header: 'X-User-ID', value: ({ subject }) => subject }]),
  passToken: false,
  ...changes,
});

const only = (...kinds: (keyof Rule['identifiers'])[]): Partial<Rule> => ({
  identifiers: Object.fromEntries(kinds.map((kind) => [kind, rule().identifiers[kind]])),
});

const outcome = async (asked: Rule, headers: Record<string, string>, intent: Intent = 'enforce') => {
  const decision = await decide(house, asked, request(headers), intent);
  return decision.verdict === 'allow'
    ? decision.upstream['X-User-ID'] || decision.identity.method
    : decision.refusal.code;
};

const key = 'sk-good';
const jwt = 'good.good.good';
const cashu = 'cashuBgood';

for (const [title, changes, headers, expected] of [
  ['no credential', {}, {}, 'credential_required'],
  ['an API key as bearer', {}, { authorization: `Bearer ${key}` }, 'key-holder'],
  ['any case of the scheme, any spaces', {}, { authorization: `bEaReR \t  ${key}  ` }, 'key-holder'],
  ['an API key in its own header', {}, { 'x-api-key': key }, 'key-holder'],
  ['a JWT', {}, { authorization: `Bearer ${jwt}` }, 'jwt-holder'],
  ['a token as bearer', {}, { authorization: `Bearer ${cashu}` }, 'cashu'],
  ['a token by its own scheme', {}, { authorization: `Cashu ${cashu}` }, 'cashu'],
  ['a token in X-Cashu', {}, { 'x-cashu': cashu }, 'cashu'],
  ['a token as URI', {}, { authorization: `Bearer cashu:${cashu}` }, 'cashu'],
  ['a bad credential', {}, { authorization: 'Bearer sk-bad' }, 'invalid_token'],
  [
    'a bad credential where anybody may enter',
    { acceptsAnonymous: true },
    { authorization: 'Bearer sk-bad' },
    'invalid_token',
  ],
  ['nobody where anybody may enter', { acceptsAnonymous: true }, {}, 'anonymous'],
  ['rubbish as bearer', {}, { authorization: 'Bearer rubbish' }, 'unrecognised_credential'],
  [
    'rubbish where anybody may enter',
    { acceptsAnonymous: true },
    { authorization: 'Bearer rubbish' },
    'unrecognised_credential',
  ],
  ['an empty bearer', {}, { authorization: 'Bearer' }, 'unrecognised_credential'],
  [
    'an empty bearer where anybody may enter',
    { acceptsAnonymous: true },
    { authorization: 'Bearer  ' },
    'unrecognised_credential',
  ],
  ['a kind that is not accepted', only('jwt'), { 'x-api-key': key }, 'credential_required'],
  [
    'a kind that is not accepted is not nobody',
    { ...only('jwt'), acceptsAnonymous: true },
    { 'x-api-key': key },
    'credential_required',
  ],
  [
    'the application’s own JWT beside a payment',
    only('cashu'),
    { authorization: `Bearer ${jwt}`, 'x-cashu': cashu },
    'cashu',
  ],
  [
    'the application’s own bearer without a payment',
    only('cashu'),
    { authorization: 'Bearer own' },
    'credential_required',
  ],
  ['the application’s own Basic', {}, { authorization: 'Basic dTpw' }, 'credential_required'],
  [
    'the application’s own Basic on a free path',
    { acceptsAnonymous: true },
    { authorization: 'Basic dTpw' },
    'anonymous',
  ],
  [
    'any bearer where nothing is examined',
    { identifiers: {}, acceptsAnonymous: true },
    { authorization: 'Bearer x' },
    'anonymous',
  ],
  ['the same key twice', {}, { authorization: `Bearer ${key}`, 'x-api-key': key }, 'key-holder'],
  ['two keys', {}, { authorization: `Bearer ${key}`, 'x-api-key': `${key}2` }, 'ambiguous_credentials'],
  ['a key and a payment', {}, { authorization: `Bearer ${key}`, 'x-cashu': cashu }, 'ambiguous_credentials'],
  ['two Authorization headers', {}, { authorization: `Bearer ${key}, Bearer ${jwt}` }, 'ambiguous_credentials'],
  [
    'two Authorization headers, one not ours',
    {},
    { authorization: `Basic dTpw, Bearer ${jwt}` },
    'ambiguous_credentials',
  ],
  ['two X-API-Key headers', {}, { 'x-api-key': `${key}, ${key}` }, 'ambiguous_credentials'],
  ['two X-Cashu headers', {}, { 'x-cashu': `${cashu},${cashu}` }, 'ambiguous_credentials'],
  ['a huge credential', {}, { 'x-api-key': 'k'.repeat(70_000) }, 'ambiguous_credentials'],
  ['our header with an underscore', { acceptsAnonymous: true }, { x_user_id: 'root' }, 'ambiguous_header'],
  ['our header with one underscore', { acceptsAnonymous: true }, { 'x-user_id': 'root' }, 'ambiguous_header'],
  ['another header with an underscore', { acceptsAnonymous: true }, { x_other: '1' }, 'anonymous'],
] satisfies [string, Partial<Rule>, Record<string, string>, string][]) {
  test(`decide: ${title} → ${expected}`, async () => {
    assert.equal(await outcome(rule(changes), headers), expected);
  });
}

test('every managed header is in the answer, empty where it has no value', async () => {
  const decision = await decide(house, rule(), request({ 'x-api-key': key }), 'enforce');
  assert.ok(decision.verdict === 'allow');
  assert.deepEqual(decision.upstream, {
    'X-User-ID': 'key-holder',
    'X-User-Roles': '',
    'X-Payment-Verified': '',
    'X-Payment-Amount': '',
    'X-Payment-Balance': '',
    'X-Payment-Use': '',
  });
});

for (const [managed, sent, expected] of [
  ['X-User-ID', 'x-user-id', false],
  ['X-User-ID', 'X_User_ID', true],
  ['X-User-ID', 'X-User_ID', true],
  ['X-User-ID', 'X.User.ID', true],
  ['X-User-ID', 'X!User-ID', true],
  ['X-User-ID', 'X-User-IDs', false],
  ['X_Tenant', 'X_tenant', false],
  ['X_Tenant', 'X-Tenant', true],
] as const) {
  test(`${sent} ${expected ? 'can' : 'cannot'} be taken for ${managed} beside it`, () => {
    assert.equal(createImitationTest([managed])(sent), expected);
  });
}

for (const [title, identity, expected] of [
  ['a line break', user('a\r\nX-Admin: 1'), 'unsafe_identity'],
  ['a NUL', user('a\u0000'), 'unsafe_identity'],
  ['a comma within a list entry', user('a', ['user', 'x,admin']), 'unsafe_identity'],
  ['an endless value', user('a'.repeat(10_000)), 'unsafe_identity'],
  ['a blank before it, which no header has', user(' admin'), 'unsafe_identity'],
  ['a blank after it that some readers take off', user('admin\u00a0'), 'unsafe_identity'],
  ['a blank in a list entry', user('a', ['user', ' admin']), 'unsafe_identity'],
  ['half a character', user('a\ud800'), 'unsafe_identity'],
  ['blanks within', user('Ann of X'), 'Ann of X'],
  ['text beyond ASCII as UTF-8', user('José'), 'Jos\u00c3\u00a9'],
] satisfies [string, Identity, string][]) {
  test(`a value for a header: ${title} → ${expected}`, async () => {
    const dress = createDress(managedHeaders, [
      { header: 'X-User-ID', value: ({ subject }: Identity) => subject },
      { header: 'X-User-Roles', value: ({ roles }: Identity) => roles },
    ]);
    assert.equal(
      await outcome(rule({ identifiers: { jwt: identifier(identity) }, dress }), { authorization: `Bearer ${jwt}` }),
      expected,
    );
  });
}

for (const [title, changes, headers, removed] of [
  ['a key that opened', {}, { 'x-api-key': key }, ['x-api-key']],
  ['a JWT that opened', {}, { authorization: `Bearer ${jwt}` }, ['authorization']],
  ['a JWT that opened, with pass_token', { passToken: true }, { authorization: `Bearer ${jwt}` }, []],
  ['money, even with pass_token', { passToken: true }, { 'x-cashu': cashu }, ['x-cashu']],
  [
    'the application’s JWT beside money',
    only('cashu'),
    { authorization: `Bearer ${jwt}`, 'x-cashu': cashu },
    ['x-cashu'],
  ],
  [
    'a key on a free path',
    { identifiers: {}, acceptsAnonymous: true },
    { authorization: `Bearer ${key}` },
    ['authorization'],
  ],
  ['a JWT on a free path', { identifiers: {}, acceptsAnonymous: true }, { authorization: `Bearer ${jwt}` }, []],
] satisfies [string, Partial<Rule>, Record<string, string>, string[]][]) {
  test(`taken off before the application: ${title} → ${removed.join() || 'nothing'}`, async () => {
    const decision = await decide(house, rule(changes), request(headers), 'enforce');
    assert.ok(decision.verdict === 'allow');
    assert.deepEqual(decision.remove, removed);
  });
}

test('nothing is charged before every check and every header has passed', async () => {
  const charged: string[] = [];
  const charge = async () => {
    charged.push('charged');
    return undefined;
  };
  const refusing = rule({ charge, checks: [() => refuse('rate_limited', 'slow down')] });
  assert.equal(await outcome(refusing, { 'x-cashu': cashu }), 'rate_limited');
  const unsafe = rule({ charge, dress: createDress(managedHeaders, [{ header: 'X-User-ID', value: () => 'a\nb' }]) });
  assert.equal(await outcome(unsafe, { 'x-cashu': cashu }), 'unsafe_identity');
  assert.deepEqual(charged, []);
  assert.equal(await outcome(rule({ charge }), { 'x-cashu': cashu }), 'cashu');
  assert.deepEqual(charged, ['charged']);
});

test('checks and charge are told whether the decision is meant', async () => {
  const intents: Intent[] = [];
  const asked = rule({
    checks: [
      (_request, _identity, intent) => {
        intents.push(intent);
        return undefined;
      },
    ],
    charge: async (_request, _identity, intent) => {
      intents.push(intent);
      return undefined;
    },
  });
  await outcome(asked, { 'x-cashu': cashu }, 'preview');
  assert.deepEqual(intents, ['preview', 'preview']);
});

test('what every check tells the client reaches it, beside what the payer is told', async () => {
  const checks = [() => ({ headers: { 'X-One': '1' } }), async () => ({ headers: { 'X-Two': '2' } }), () => undefined];
  const free = await decide(house, rule({ checks }), request({ 'x-cashu': cashu }), 'enforce');
  assert.ok(free.verdict === 'allow');
  assert.deepEqual(free.client, { 'X-One': '1', 'X-Two': '2' });
  const charge = () => ({ paymentId: 'p', amount: 1, unit: 'sat', balance: 4, isRunning: false });
  const paid = await decide(house, rule({ checks, charge }), request({ 'x-cashu': cashu }), 'enforce');
  assert.ok(paid.verdict === 'allow');
  assert.deepEqual(paid.client, { 'X-Payment-Balance': '4;unit=sat', 'X-One': '1', 'X-Two': '2' });
  assert.equal('X-One' in paid.upstream, false);
});

test('what every check finds is in the decision, in the order of the checks', async () => {
  const finding = (reason: string, audit: Findings['audit']) => ({ findings: { reasons: [reason], audit } });
  const checks = [
    () => finding('one', { a: 1, b: 1 }),
    () => ({ headers: { 'X-One': '1' } }),
    async () => finding('two', { b: 2 }),
  ];
  const decision = await decide(house, rule({ checks }), request({ 'x-cashu': cashu }), 'enforce');
  assert.ok(decision.verdict === 'allow');
  assert.deepEqual(decision.findings, { reasons: ['one', 'two'], audit: { a: 1, b: 2 } });
  assert.deepEqual(decision.client, { 'X-One': '1' });
});

test('a deposit is told so, and what it brings is for the client alone', async () => {
  const intents: Intent[] = [];
  const session = { id: new Secret('s'), maxAgeSeconds: 60 };
  const charge: Rule['charge'] = (_request, _identity, intent) => {
    intents.push(intent);
    return { paymentId: 'p', amount: 1, unit: 'sat', balance: 4, isRunning: false, session };
  };
  const decision = await decide(house, rule({ charge }), request({ 'x-cashu': cashu }), 'deposit');
  assert.ok(decision.verdict === 'allow');
  assert.match(decision.client['Set-Cookie'] ?? '', /^sallyport-session=s;/);
  assert.deepEqual([decision.receipt, decision.upstream['X-Payment-Verified'], intents], [undefined, '', ['deposit']]);
});

test('a credit that was taken is told to the client alone', async () => {
  const charged = rule({ charge: async () => ({ creditsLeft: 4 }) });
  const decision = await decide(house, charged, request({ 'x-api-key': 'sk-good' }), 'enforce');
  assert.ok(decision.verdict === 'allow');
  assert.deepEqual(decision.client, { 'X-Credits-Remaining': '4' });
  assert.deepEqual([decision.receipt, decision.upstream['X-Payment-Verified']], [undefined, '']);
});

/** Three requests for nothing; which were looked at, and which were taken. */
const trial = () => {
  const asked: Intent[] = [];
  const allowance: Rule['allowance'] = (_request, intent) => {
    const isLeft = asked.filter((earlier) => earlier === 'enforce').length < 3;
    asked.push(intent);
    return isLeft;
  };
  return { asked, allowance };
};

test('callers without a credential pass until their allowance is used up; then they are invited', async () => {
  const { allowance } = trial();
  const asked = rule({ allowance, charge: () => assert.fail('nobody pays') });
  const outcomes = [];
  for (let count = 0; count < 5; count++) outcomes.push(await outcome(asked, {}));
  assert.deepEqual(outcomes, ['anonymous', 'anonymous', 'anonymous', 'credential_required', 'credential_required']);
});

for (const [title, changes, headers, expected] of [
  ['a refused check', { checks: [() => refuse('rate_limited', '')] }, {}, 'rate_limited'],
  ['a header that cannot be written', { dress: () => refuse('unsafe_identity', '') }, {}, 'unsafe_identity'],
  ['a good credential', {}, { 'x-cashu': cashu }, 'cashu'],
  ['a bad credential', {}, { 'x-api-key': 'sk-bad' }, 'invalid_token'],
  ['a credential that is not accepted', only('cashu'), { 'x-api-key': key }, 'credential_required'],
  ['rubbish', {}, { authorization: 'Bearer rubbish' }, 'unrecognised_credential'],
] as const) {
  test(`${title} takes nothing of an allowance`, async () => {
    const { allowance, asked } = trial();
    assert.equal(await outcome(rule({ ...changes, allowance }), headers), expected);
    assert.ok(!asked.includes('enforce'));
  });
}

for (const intent of ['preview', 'deposit'] as const) {
  test(`a ${intent} takes nothing of an allowance`, async () => {
    const { allowance, asked } = trial();
    for (let count = 0; count < 5; count++) assert.equal(await outcome(rule({ allowance }), {}, intent), 'anonymous');
    assert.ok(!asked.includes('enforce'));
  });
}

test('an allowance that was used up a moment ago by another request of the caller lets nobody in', async () => {
  const looks = [true, false];
  const asked = rule({ allowance: async () => looks.shift() ?? false });
  assert.equal(await outcome(asked, {}), 'credential_required');
});

test('an allowance that cannot be asked lets nobody in', async () => {
  const asked = rule({ allowance: () => Promise.reject(new Error('boom')) });
  assert.equal(await outcome(asked, {}), 'internal_error');
  assert.equal(await outcome(asked, { 'x-cashu': cashu }), 'cashu');
});

for (const [title, changes] of [
  ['an identifier', { identifiers: { jwt: () => Promise.reject(new Error('boom')) } }],
  [
    'a check',
    {
      checks: [
        () => {
          throw new Error('boom');
        },
      ],
    },
  ],
  ['a charge', { charge: () => Promise.reject(new Error('boom')) }],
] satisfies [string, Partial<Rule>][]) {
  test(`${title} that throws denies the request`, async () => {
    assert.equal(await outcome(rule(changes), { authorization: `Bearer ${jwt}` }), 'internal_error');
  });
}

test('an anonymous identity carries nothing', () => {
  assert.deepEqual(anonymous, { method: 'anonymous', subject: '', scopes: [], roles: [], claims: {} });
});
