import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readTokenAnswer, TokenRefused } from './token-answer.ts';

const where = 'https://id.example/token';
const answer = (status: number, body: unknown, retryAfter?: string) => ({
  status,
  retryAfter,
  body: typeof body === 'string' ? body : JSON.stringify(body),
});
const good = { access_token: 'abc.-_~+/=', token_type: 'Bearer', expires_in: 3_600 };

const without = (name: keyof typeof good) => Object.fromEntries(Object.entries(good).filter(([key]) => key !== name));

// biome-ignore format: a table is read by its columns
const lifetimes: readonly (readonly [what: string, body: object, ms: number])[] = [
  ['a number',                good, 3_600_000],
  ['a number in a text',      { ...good, expires_in: '3599' }, 3_599_000],
  ['a part of a second',      { ...good, expires_in: 1.9 }, 1_000],
  ['none',                    without('expires_in'), 300_000],
  ['null',                    { ...good, expires_in: null }, 300_000],
  ['a year',                  { ...good, expires_in: 31_536_000 }, 86_400_000],
  ['no number that is exact', { ...good, expires_in: 1e300 }, 86_400_000],
];

for (const [what, body, ms] of lifetimes) {
  test(`expires_in as ${what} is a lifetime of ${ms} ms`, () => {
    assert.equal(readTokenAnswer(where, answer(200, body), false).lifetimeMs, ms);
  });
}

// biome-ignore format: a table is read by its columns
const malformed: readonly (readonly [what: string, body: unknown, message: RegExp])[] = [
  ['HTML',                  '<html>canary</html>', /without an access_token/],
  ['nothing',               '', /without an access_token/],
  ['half of a document',    '{"access_token": "canary"', /without an access_token/],
  ['a list',                [good], /without an access_token/],
  ['null',                  null, /without an access_token/],
  ['no token',              without('access_token'), /without an access_token/],
  ['a token that is a number', { ...good, access_token: 7 }, /no header can carry/],
  ['an empty token',        { ...good, access_token: '' }, /no header can carry/],
  ['a token with a line break', { ...good, access_token: 'canary\r\nX-Evil: 1' }, /no header can carry/],
  ['a token with a space',  { ...good, access_token: 'can ary' }, /no header can carry/],
  ['a token beyond ASCII',  { ...good, access_token: 'canаry' }, /no header can carry/],
  ['a token without end',   { ...good, access_token: 'x'.repeat(16_385) }, /no header can carry/],
  ['no token_type',         without('token_type'), /token_type/],
  ['another token_type',    { ...good, token_type: 'mac' }, /token_type/],
  ['a negative lifetime',   { ...good, expires_in: -1 }, /expires_in/],
  ['no lifetime at all',    { ...good, expires_in: 0 }, /expires_in/],
  ['a lifetime in words',   { ...good, expires_in: '1h' }, /expires_in/],
  ['a lifetime that is a list', { ...good, expires_in: [3600] }, /expires_in/],
  ['a lifetime that is true', { ...good, expires_in: true }, /expires_in/],
  ['a refresh token with a line break', { ...good, refresh_token: 'canary\n' }, /refresh_token/],
  ['a refresh token that is none', { ...good, refresh_token: {} }, /refresh_token/],
];

for (const [what, body, message] of malformed) {
  test(`${what} is no token, and the message holds nothing of it`, () => {
    assert.throws(
      () => readTokenAnswer(where, answer(200, body), true),
      (error) => error instanceof TokenRefused && message.test(error.message) && !/canary/.test(String(error.stack)),
    );
  });
}

// biome-ignore format: a table is read by its columns
const refusals: readonly (readonly [status: number, body: unknown, retryAfter: string | undefined, message: string, waitMs: number | undefined])[] = [
  [400, { error: 'invalid_grant', error_description: 'canary' }, undefined, `${where} answered 400 (invalid_grant)`, undefined],
  [401, { error: 'invalid_client' }, undefined, `${where} answered 401 (invalid_client)`, undefined],
  [400, { error: 'canary' }, undefined, `${where} answered 400`, undefined],
  [400, { error: ['invalid_grant'] }, undefined, `${where} answered 400`, undefined],
  [302, '', undefined, `${where} answered 302`, undefined],
  [201, good, undefined, `${where} answered 201`, undefined],
  [429, '', '7', `${where} answered 429`, 7_000],
  [503, '', '99999', `${where} answered 503`, 300_000],
  [503, '', '-1', `${where} answered 503`, undefined],
  [503, '', 'Fri, 31 Dec 1999 23:59:59 GMT', `${where} answered 503`, undefined],
];

for (const [status, body, retryAfter, message, waitMs] of refusals) {
  test(`${status} with ${JSON.stringify(body)} is told as "${message}"`, () => {
    assert.throws(
      () => readTokenAnswer(where, answer(status, body, retryAfter), false),
      (error) => error instanceof TokenRefused && error.message === message && error.retryAfterMs === waitMs,
    );
  });
}

test('a refresh token counts only where the grant rotates it', () => {
  const given = answer(200, { ...good, refresh_token: 'next' });
  assert.equal(readTokenAnswer(where, given, true).refreshToken, 'next');
  assert.equal(readTokenAnswer(where, given, false).refreshToken, undefined);
  assert.equal(readTokenAnswer(where, answer(200, { ...good, refresh_token: null }), true).refreshToken, undefined);
});

test('whatever is answered, it is read or refused, and what is read fits a header', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 100, max: 599 }),
      fc.string(),
      fc.jsonValue(),
      fc.jsonValue(),
      (status, text, token, expires) => {
        for (const body of [text, { ...good, access_token: token, expires_in: expires }, token]) {
          try {
            const given = readTokenAnswer(where, answer(status, body), true);
            assert.match(given.accessToken, /^[!-~]{1,16384}$/);
            assert.ok(given.lifetimeMs >= 1_000 && given.lifetimeMs <= 86_400_000);
          } catch (error) {
            assert.ok(error instanceof TokenRefused);
          }
        }
      },
    ),
  );
});
