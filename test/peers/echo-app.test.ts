import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answered, parseAnswers, sendRaw } from '../servers/raw-http.ts';
import { request } from '../servers/request.ts';
import { startEchoApp, valuesOf } from './echo-app.ts';

test('the application tells what reached it, unchanged, and counts', async (t) => {
  const app = await startEchoApp({ owner: t });
  const path = '/a/..%2f;x?q=%zz';
  const answer = await request(app.url, path, {
    method: 'POST',
    headers: [
      ['x-USER_Id', 'a'],
      ['X-User-ID', 'b'],
    ],
    body: 'grüße',
  });
  assert.equal(answer.status, 200);
  assert.deepEqual(JSON.parse(answer.body), app.latest());
  const echo = app.latest();
  assert.ok(echo);
  assert.deepEqual([echo.method, echo.url, echo.bodyLength], ['POST', path, 7]);
  assert.deepEqual(valuesOf(echo, 'x-user-id'), ['a', 'b']);
  assert.equal(app.seen(), 1);
});

for (const [what, path, headers, status] of [
  ['a path', '/premium/status/403?x=1', {}, 403],
  ['a header', '/anything', { 'X-Answer-Status': '500' }, 500],
  ['a path', '/status/404', {}, 404],
] as const) {
  test(`asked by ${what}, the application answers ${status} itself`, async (t) => {
    const app = await startEchoApp({ owner: t });
    const answer = await request(app.url, path, { headers });
    assert.deepEqual([answer.status, answer.headers['x-answered-by']], [status, 'echo-app']);
  });
}

test("the application's own 401 has its own challenge", async (t) => {
  const app = await startEchoApp({ owner: t });
  const answer = await request(app.url, '/status/401');
  assert.deepEqual([answer.status, answer.headers['www-authenticate']], [401, 'Basic realm="echo-app"']);
});

test('the application answers HEAD without a body, and keeps the connection', async (t) => {
  const app = await startEchoApp({ owner: t });
  const head = 'HEAD / HTTP/1.1\r\nHost: x\r\n\r\n';
  const { text } = await sendRaw(head + head, {
    port: app.port,
    until: (all) => parseAnswers(all, { bodiless: true }).length === 2,
  });
  assert.deepEqual(
    parseAnswers(text, { bodiless: true }).map(({ status }) => status),
    [200, 200],
  );
  assert.equal(answered(3)(text), false);
});
