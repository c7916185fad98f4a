import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import decodeQR from 'qr/decode.js';
import { refuse } from '../../core/refusal.ts';
import { createChallenge } from '../challenge.ts';
import type { Offer, Offers } from '../offer.ts';
import { amountText, purchaseText, timeText } from './amounts.ts';
import { type PageState, pageHeaders, renderPage } from './page.ts';

const offer = (changes: Partial<Offer> = {}): Offer => ({
  amount: 1_000,
  unit: 'sat',
  buys: { requests: 10 },
  mints: ['https://mint.example.com'],
  ...changes,
});

const stateOf = (offers: Offers, changes: Partial<PageState> = {}): PageState => ({
  invite: createChallenge(offers, { format: 'creqA' })('payment_required'),
  code: 'payment_required',
  action: '/pay',
  host: 'shop.example.com',
  to: '/premium/film?part=2',
  amount: undefined,
  ...changes,
});

const pageOf = (offers: Offers, changes?: Partial<PageState>): string =>
  renderPage(stateOf(offers, changes)) ?? assert.fail('no page');

test('what a payment would not cure has no page', () => {
  assert.equal(renderPage(stateOf([offer()], { invite: refuse('no_rule', 'No rule.') })), undefined);
});

test('whatever a client or a mint can choose is text in the page, and nothing else', () => {
  const evil = `"'><script>alert(1)</script>&amp;`;
  const page = pageOf([offer({ mints: [evil], unit: evil })], {
    host: evil,
    to: `/${evil}`,
    token: evil,
    amount: evil,
  });
  assert.ok(!page.includes('<script>alert'));
  assert.ok(!page.includes(`"'>`));
  assert.equal(page.match(/<script>/g)?.length, 1);
});

test('script and style are those that the policy names, in the header and in the page', () => {
  const page = pageOf([offer()]);
  const policy = pageHeaders['Content-Security-Policy'];
  for (const [name, pattern] of [
    ['script-src', /<script>(.*?)<\/script>/s],
    ['style-src', /<style>(.*?)<\/style>/s],
  ] as const) {
    const [, text = ''] = pattern.exec(page) ?? [];
    assert.ok(policy.includes(`${name} 'sha256-${hash('sha256', text, 'base64')}'`), name);
  }
  for (const part of ["default-src 'none'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"]) {
    assert.ok(policy.includes(part), part);
  }
  const [, own = ''] = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(page) ?? [];
  assert.equal(`${own.replaceAll('&#39;', "'")}; frame-ancestors 'none'`, policy);
});

test('nothing comes from elsewhere', () => {
  const page = pageOf([offer(), offer({ unit: 'usd', amount: 50 })]);
  const addresses = [...page.matchAll(/(?:src|href|action|data|url)\s*[=(]\s*["']?([^"')>\s]*)/g)].map(
    ([, address]) => address,
  );
  assert.deepEqual(
    addresses.filter((address) => !address?.startsWith('cashu:creqA')),
    ['/pay'],
  );
});

/** The picture as pixels, four to a module. */
const pixelsOf = (page: string) => {
  const [, side = '', path = ''] = /<svg viewBox="0 0 (\d+) \d+".*?<path d="([^"]+)"/.exec(page) ?? [];
  const [modules, scale] = [Number(side), 4];
  const width = modules * scale;
  const data = new Uint8Array(width * width * 4).fill(255);
  for (const [, y, runs = ''] of path.matchAll(/M0 (\d+)\.5([^M]*)/g)) {
    let x = 0;
    for (const [, gap, length] of runs.matchAll(/m(\d+) 0h(\d+)/g)) {
      x += Number(gap);
      for (let row = 0; row < scale; row++) {
        const from = ((Number(y) * scale + row) * width + x * scale) * 4;
        data.fill(0, from, from + Number(length) * scale * 4);
      }
      x += Number(length);
    }
  }
  for (let alpha = 3; alpha < data.length; alpha += 4) data[alpha] = 255;
  return { width, height: width, data };
};

test('the QR code is the payment request', () => {
  const page = pageOf([offer()]);
  const [, request] = /href="cashu:(creqA[\w=-]+)"/.exec(page) ?? [];
  assert.equal(decodeQR(pixelsOf(page)), request);
});

test('with many prices at many mints the page stays below what proxies let through', () => {
  const mints = Array.from({ length: 12 }, (_, index) => `https://mint-${index}.example.com/Bitcoin`);
  const more = ['usd', 'eur', 'gbp', 'chf', 'jpy', 'msat'].map((unit) => offer({ unit, mints }));
  const page = pageOf([offer({ mints }), ...more], { token: '' });
  assert.ok(Buffer.byteLength(page) < 65_536, `${Buffer.byteLength(page)} bytes`);
});

for (const [code, isKept] of [
  ['payment_uncertain', true],
  ['insufficient_payment', true],
  ['wrong_mint', true],
  ['malformed_payment', true],
  ['payment_spent', false],
  ['payment_rejected', false],
] as const) {
  test(`after ${code} the token is ${isKept ? 'kept in' : 'taken out of'} the field, and the reason has the focus`, () => {
    const page = pageOf([offer()], { code, token: 'cashuBtoken' });
    assert.equal(page.split('cashuBtoken').length - 1, isKept ? 1 : 0);
    assert.match(
      page,
      /<div id="problem" class="(?:waiting)?" role="alert" tabindex="-1" autofocus>\n[A-Z][^<]+\.\n<\/div>/,
    );
    assert.equal(page.includes('class="waiting"'), code === 'payment_uncertain');
    assert.match(page, /<title>Not paid yet/);
  });
}

test('a refusal that the page has no sentence for is told in general words', () => {
  assert.match(pageOf([offer()], { code: 'ambiguous_host' }), /autofocus>\nThat did not work\./);
});

for (const [amount, unit, text] of [
  [1_000, 'sat', '1,000 sat'],
  [1, 'msat', '1 msat'],
  [50, 'usd', 'USD 0.50'],
  [1_050, 'eur', 'EUR 10.50'],
  [500, 'jpy', 'JPY 500'],
] as const) {
  test(`${amount} of ${unit} are shown as ${text}`, () => assert.equal(amountText(amount, unit), text));
}

test('times and purchases are shown in the largest words that are exact', () => {
  assert.deepEqual([1_000, 90_000, 3_600_000, 5_400_000, 86_400_000, 2_592_000_000].map(timeText), [
    '1 second',
    '90 seconds',
    '1 hour',
    '90 minutes',
    '1 day',
    '30 days',
  ]);
  assert.equal(purchaseText({ requests: 1 }), '1 request');
  assert.equal(purchaseText({ timeMs: 3_600_000 }), '1 hour of access');
  assert.equal(purchaseText({ units: 1_000, reserve: 1, reportWithinMs: 1 }), '1,000 units of use');
});
