import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode } from '../../../test/peers/envoy-api.ts';
import type { Allow } from '../../core/decision.ts';
import { anonymous, type Identity } from '../../core/identity.ts';
import { type RefusalCode, refusalKinds, refuse } from '../../core/refusal.ts';
import { encodeAllow, encodeDeny } from './check-response.ts';

const caller: Identity = {
  method: 'api_key',
  subject: 'jörg',
  keyId: 'key_1',
  limits: [],
  scopes: [],
  roles: [],
  claims: {},
};

const known = { rule: 'orders', requestId: 'req-1' };

const allow = (more: Partial<Allow>): Allow => ({
  verdict: 'allow',
  identity: caller,
  upstream: {},
  client: {},
  remove: [],
  ...more,
});

const read = (decision: Allow) => decode('CheckResponse', Buffer.from(encodeAllow(decision, known).join(''), 'latin1'));

const options = (list: readonly { header: { key: string; value: string }; append_action: number }[]) =>
  list.map(({ header: { key, value }, append_action }) => [key, value, append_action]);

test('a header for the application replaces the client’s; one without a value is taken off', () => {
  const { ok_response } = read(allow({ upstream: { 'X-User-ID': 'john', 'X-User-Email': '' }, remove: ['x-api-key'] }));
  assert.deepEqual(options(ok_response.headers), [['x-user-id', 'john', 2]]);
  assert.deepEqual(ok_response.headers_to_remove, ['x-user-email', 'x-api-key']);
});

test('text beyond ASCII arrives as the UTF-8 that dressing made of it', () => {
  const upstream = { 'X-User-ID': Buffer.from('jörg').toString('latin1') };
  assert.equal(read(allow({ upstream })).ok_response.headers[0].header.value, 'jörg');
});

const cookies: readonly (readonly [string, string | undefined, unknown, unknown])[] = [
  ['stay where nothing of ours is among them', undefined, [], []],
  ['are replaced', 'theme=dark', [['cookie', 'theme=dark', 2]], []],
  ['are taken off where nothing is left', '', [], ['cookie']],
  ['are taken off where no message can carry them', 'theme=\xff', [], ['cookie']],
];

for (const [title, cookie, headers, removed] of cookies) {
  test(`cookies ${title}`, () => {
    const { ok_response } = read(allow({ cookie }));
    assert.deepEqual([options(ok_response.headers), ok_response.headers_to_remove], [headers, removed]);
  });
}

test('what the client is told replaces what the application says, but for cookies', () => {
  const { ok_response } = read(allow({ client: { 'X-Payment-Balance': '1;unit=sat', 'Set-Cookie': 'a=b' } }));
  assert.deepEqual(options(ok_response.response_headers_to_add), [
    ['x-payment-balance', '1;unit=sat', 2],
    ['set-cookie', 'a=b', 0],
  ]);
});

const textsOf = (answer: { dynamic_metadata: { fields: Record<string, { string_value: string }> } }) =>
  Object.fromEntries(Object.entries(answer.dynamic_metadata.fields).map(([key, value]) => [key, value.string_value]));

test('access logs learn who called, by which rule', () => {
  assert.deepEqual(textsOf(read(allow({}))), {
    key_id: 'key_1',
    user_id: 'jörg',
    method: 'api_key',
    rule: 'orders',
    request_id: 'req-1',
  });
  assert.deepEqual(textsOf(read(allow({ identity: anonymous }))), {
    key_id: '',
    user_id: '',
    method: 'anonymous',
    rule: 'orders',
    request_id: 'req-1',
  });
});

const answer = { status: 429, headers: { 'Retry-After': '5' }, body: '{"code":"rate_limited"}' };

for (const code of Object.keys(refusalKinds) as RefusalCode[]) {
  test(`${code} can never be taken for a permission`, () => {
    const fields = encodeDeny(refuse(code, 'No.'), { ...answer }, { ...known, identity: undefined });
    const { status, ok_response, denied_response } = decode('CheckResponse', Buffer.from(fields.join(''), 'latin1'));
    assert.equal(status.code, refusalKinds[code].grpc);
    assert.notEqual(status.code, 0);
    assert.equal(ok_response, undefined);
    assert.ok(denied_response);
  });
}

test('a refusal carries status, headers and document, and who was refused where that is known', () => {
  const fields = encodeDeny(refuse('rate_limited', 'Wait.'), answer, { ...known, identity: caller });
  const message = decode('CheckResponse', Buffer.from(fields.join(''), 'latin1'));
  assert.equal(message.denied_response.status.code, 429);
  assert.deepEqual(options(message.denied_response.headers), [
    ['retry-after', '5', 2],
    ['x-request-id', 'req-1', 2],
  ]);
  assert.equal(message.denied_response.body, answer.body);
  assert.equal(textsOf(message)['key_id'], 'key_1');
});
