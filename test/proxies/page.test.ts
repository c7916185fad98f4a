/** The payment page and its form through every proxy, and nothing else of Sallyport's own with them. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { answered, parseAnswers, sendRaw } from '../servers/raw-http.ts';
import { request } from '../servers/request.ts';
import { openHouse, prices } from './house.ts';
import { type Front, lineUp } from './line-up.ts';

const house = await openHouse({ after });

const browser = { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

const post = (front: Front, fields: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>> = {}) =>
  request(front.url, '/.sallyport/pay', {
    method: 'POST',
    body: new URLSearchParams(fields).toString(),
    headers: { ...browser, 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
  });

for (const proxy of lineUp) {
  test(proxy.name, { skip: proxy.skip }, async (t) => {
    const front = await proxy.start(house.ports, t);

    await t.test('a browser gets the page with the 402, and the policy that guards it', async () => {
      const { status, headers, body } = await request(front.url, '/premium/1?a=1', { headers: browser });
      assert.equal(status, 402);
      assert.match(String(headers['x-cashu']), /^creqA/);
      if (proxy.bodiless) return;
      assert.match(String(headers['content-type']), /^text\/html/);
      assert.match(
        String(headers['content-security-policy']),
        /^default-src 'none'; script-src 'sha256-.*frame-ancestors 'none'$/,
      );
      assert.deepEqual(
        [headers.vary, headers['referrer-policy'], headers['x-content-type-options'], headers['cache-control']],
        ['Accept, Sec-Fetch-Dest', 'same-origin', 'nosniff', 'no-store'],
      );
      assert.match(body, /<input type="hidden" name="to" value="\/premium\/1\?a=1">/);
      assert.match(body, /<\/html>\n$/);
    });

    if (!proxy.bodiless) {
      await t.test('a script of a page gets the document', async () => {
        const headers = { ...browser, 'Sec-Fetch-Dest': 'empty' };
        const { body } = await request(front.url, '/premium/1', { headers });
        assert.equal(JSON.parse(body).code, 'payment_required');
      });
    }

    await t.test('its form brings a cookie, which opens the page, and the application hears of neither', async () => {
      const seen = house.app.seen();
      const token = await house.payer.token(prices.premium);
      const paid = await post(front, { token, to: '/premium/1?a=1' });
      assert.deepEqual([paid.status, paid.headers.location], [303, '/premium/1?a=1']);
      assert.equal(house.app.seen(), seen);
      const [cookie = ''] = (paid.headers['set-cookie']?.[0] ?? '').split(';');
      const opened = await request(front.url, '/premium/1?a=1', { headers: { ...browser, Cookie: cookie } });
      assert.equal(opened.status, 200);
      assert.ok(!JSON.stringify(house.app.latest()).includes(cookie.split('=')[1] ?? ''));
    });

    await t.test('a form that is refused is answered by the page, with the reason', async () => {
      const { status, body } = await post(front, { token: 'cashuBrubbish', to: '/premium/1' });
      assert.equal(status, 400);
      assert.match(body, /This is no Cashu token/);
    });

    await t.test('a form of another site is refused', async () => {
      const token = await house.payer.token(prices.premium);
      const form = { token, to: '/premium/1' };
      for (const headers of [{ Origin: 'https://evil.example' }, { 'Sec-Fetch-Site': 'cross-site' }]) {
        assert.equal((await post(front, form, headers)).status, 403);
      }
      assert.equal((await post(front, form, { Origin: front.url })).status, 303);
    });

    await t.test('what is left is asked back of Sallyport, which gives nothing back in this house', async () => {
      const seen = house.app.seen();
      const { status, body } = await request(front.url, '/.sallyport/refund', { method: 'POST' });
      assert.deepEqual([status, JSON.parse(body).code, house.app.seen()], [404, 'not_found', seen]);
    });

    await t.test('a session is ended by its cookie', async () => {
      const paid = await post(front, { token: await house.payer.token(prices.premium), to: '/premium/1' });
      const [cookie = ''] = (paid.headers['set-cookie']?.[0] ?? '').split(';');
      const ended = await request(front.url, '/.sallyport/session', { method: 'DELETE', headers: { Cookie: cookie } });
      assert.equal(ended.status, 204);
      assert.equal((await request(front.url, '/premium/1', { headers: { Cookie: cookie } })).status, 402);
    });

    for (const path of [
      '/.sallyport/../metrics',
      '/.sallyport/..%2fmetrics',
      '/.sallyport/%2e%2e/metrics',
      '/metrics/../.sallyport/pay',
      '/metrics/%2e%2e/.sallyport/pay',
      '/auth/nginx/../../.sallyport/pay',
      '/auth/traefik/../../.sallyport/pay',
      '/auth/native/free/1/../../../../.sallyport/pay',
      '/.sallyport/../auth/native/free/1',
      '/.sallyport//../../auth/native/free/1',
      '//.sallyport/../auth/traefik',
    ]) {
      await t.test(`${path} leads to nothing of Sallyport's`, async () => {
        const lines = [
          `Host: 127.0.0.1:${front.port}`,
          'X-Original-URL: http://open.example.com/free/1',
          'X-Original-Method: GET',
          'X-Forwarded-Uri: /free/1',
          'X-Forwarded-Method: GET',
          'X-Code: 403',
          'X-Original-URI: /free/1',
          'Connection: close',
        ];
        const text = `GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
        const exchange = await sendRaw(text, { port: front.port, deadlineMs: 2_000, until: answered() });
        const [answer] = parseAnswers(exchange.text);
        assert.ok(answer && answer.status >= 400, `${answer?.status}`);
        assert.ok(
          !/sallyport_decisions_total|x-auth-method|decision_changed/i.test(exchange.text),
          exchange.text.slice(0, 400),
        );
      });
    }
  });
}
