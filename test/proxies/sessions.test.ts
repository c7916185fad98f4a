/** A session for what was paid: through every proxy it reaches the client, opens the door, and never reaches the application. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { valuesOf } from '../peers/echo-app.ts';
import { request } from '../servers/request.ts';
import { openHouse, prices } from './house.ts';
import { type Front, lineUp } from './line-up.ts';

const house = await openHouse({ after });

/** The id in the cookie of a session, where it has the attributes that it should have. A proxy may write them in another order. */
const sessionIn = (cookie = ''): string | undefined => {
  const [pair = '', ...attributes] = cookie.split('; ');
  const form = /^HttpOnly; Max-Age=\d+; Path=\/; SameSite=Lax$/;
  return form.test(attributes.sort().join('; ')) ? /^sallyport-session=([\w-]{43})$/.exec(pair)?.[1] : undefined;
};

/** What the client is answered, and what the application saw of it. */
async function ask(front: Front, path: string, headers: Readonly<Record<string, string>>) {
  const seen = house.app.seen();
  const { status, headers: told } = await request(front.url, path, { headers });
  const echo = house.app.seen() === seen ? undefined : house.app.latest();
  const learnt = (name: string) => (echo ? valuesOf(echo, name).join() : undefined);
  return { status, told, learnt, echo };
}

for (const proxy of lineUp) {
  test(proxy.name, { skip: proxy.skip }, async (t) => {
    const front = await proxy.start(house.ports, t);
    const token = await house.payer.token(prices.premium * 3);
    let session = '';

    await t.test('a token is answered with a session, which the application does not see', async () => {
      const { status, told, learnt, echo } = await ask(front, '/premium/1', { 'X-Cashu': token, Cookie: 'a=1; b=2' });
      assert.equal(status, 200);
      const cookies = told['set-cookie'] ?? [];
      assert.equal(cookies.length, 1);
      session = sessionIn(cookies[0]) ?? assert.fail(cookies[0]);
      assert.equal(told['x-payment-session'], proxy.tellsCookiesAlone ? undefined : session);
      assert.equal(learnt('cookie'), 'a=1; b=2');
      assert.ok(!echo?.rawHeaders.some((value) => value.includes(session)));
    });

    for (const [how, headers, left] of [
      ['as the only cookie', () => ({ Cookie: `sallyport-session=${session}` }), ''],
      ['among other cookies', () => ({ Cookie: `a=1; sallyport-session=${session}; b="2"` }), 'a=1; b="2"'],
    ] as const) {
      await t.test(`the session opens ${how}, and is taken off`, async () => {
        const { status, told, learnt, echo } = await ask(front, '/premium/2', headers());
        assert.equal(status, 200);
        assert.equal(learnt('x-auth-method'), 'session');
        assert.equal(learnt('x-payment-verified'), 'true');
        assert.equal(learnt('cookie'), left);
        assert.equal(told['set-cookie'], undefined);
        assert.ok(!echo?.rawHeaders.some((value) => value.includes(session)));
      });
    }

    await t.test('what was paid for is used up: 402, whichever way the session comes', async () => {
      for (const headers of [{ 'X-Payment-Session': session }, { Cookie: `sallyport-session=${session}` }]) {
        assert.equal((await ask(front, '/premium/3', headers)).status, 402);
      }
    });

    await t.test('in its header the session opens, and is taken off', async () => {
      const paid = await ask(front, '/premium/1', { 'X-Cashu': await house.payer.token(prices.premium * 2) });
      const own = sessionIn(paid.told['set-cookie']?.[0]) ?? '';
      const { status, learnt } = await ask(front, '/premium/4', { 'X-Payment-Session': own, Cookie: 'a=1' });
      assert.equal(status, 200);
      assert.equal(learnt('x-payment-session'), '');
      assert.equal(learnt('cookie'), 'a=1');
    });

    await t.test('on a free path it is taken off too, and opens nothing', async () => {
      const { status, learnt, told } = await ask(front, '/free/1', { Cookie: `a=1; sallyport-session=${session}` });
      assert.equal(status, 200);
      assert.equal(learnt('x-auth-method'), 'anonymous');
      assert.equal(learnt('cookie'), 'a=1');
      assert.equal(told['set-cookie'], undefined);
    });
  });
}
