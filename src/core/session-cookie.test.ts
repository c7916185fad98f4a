import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cookieWithoutSessions, sessionCookie, sessionsIn } from './session-cookie.ts';

for (const [header, overHttp, overHttps, left] of [
  [undefined, [], [], undefined],
  ['', [], [], undefined],
  ['a=1; b=2', [], [], undefined],
  ['sallyport-session=x', ['x'], [], ''],
  ['__Host-sallyport-session=x', [], ['x'], ''],
  ['a=1; sallyport-session=x; b="2"', ['x'], [], 'a=1; b="2"'],
  ['a=1;__Host-sallyport-session=x;b=2', [], ['x'], 'a=1; b=2'],
  [' sallyport-session = x ; a=b=c', ['x'], [], 'a=b=c'],
  ['sallyport-session=x; __Host-sallyport-session=y', ['x'], ['y'], ''],
  ['sallyport-session=x; sallyport-session=y', ['x', 'y'], [], ''],
  ['sallyport-session=', [], [], ''],
  ['sallyport-session', [], [], 'sallyport-session'],
  ['my-sallyport-session=x; sallyport-sessions=y', [], [], 'my-sallyport-session=x; sallyport-sessions=y'],
] as const) {
  test(`in ${JSON.stringify(header)}: what is ours, what counts, and what is left`, () => {
    assert.deepEqual([sessionsIn(header, 'http'), sessionsIn(header, 'https')], [overHttp, overHttps]);
    assert.equal(cookieWithoutSessions(header), left);
  });
}

for (const [scheme, text] of [
  ['http', 'sallyport-session=id; Max-Age=60; Path=/; HttpOnly; SameSite=Lax'],
  ['https', '__Host-sallyport-session=id; Max-Age=60; Path=/; HttpOnly; SameSite=Lax; Secure'],
] as const) {
  test(`the cookie over ${scheme} is one that the same request brings back`, () => {
    const cookie = sessionCookie('id', 60, scheme);
    assert.equal(cookie, text);
    assert.deepEqual(sessionsIn(cookie.split(';')[0], scheme), ['id']);
  });
}
