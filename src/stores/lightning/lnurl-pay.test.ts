import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type Fault, hugeBody, redirected, withFaults } from '../../../test/peers/faults.ts';
import { json, listen } from '../../../test/peers/loopback.ts';
import { createOutbound, type Outbound } from '../outbound/exchange.ts';
import { createLnurlPay } from './lnurl-pay.ts';

const HOST = 'pay.example';
const OFFER = '/.well-known/lnurlp/ann';
const offer = { tag: 'payRequest', callback: `https://${HOST}/pay?id=7`, minSendable: 1_000, maxSendable: 9_000 };

const answers = new Map<string, unknown>();
const { respond, faults } = withFaults(({ url }) => json(200, answers.get(url.split('?')[0] ?? '')));
const server = await listen(respond, { after });
const real = createOutbound();
after(() => real.close());

/** What is asked over https of any host goes to the server, and is noted. */
const enter = () => {
  faults.clear();
  answers.clear();
  answers.set(OFFER, offer).set('/pay', { pr: 'lnbc1' });
  const asked: string[] = [];
  const outboundOf = (name: string): Outbound => ({
    close: () => undefined,
    exchange(request) {
      asked.push(`${name} ${request.url}`);
      return real.exchange({ ...request, url: new URL(request.url.pathname + request.url.search, server.url) });
    },
  });
  const pay = createLnurlPay({
    outbound: outboundOf('any'),
    publicOutbound: outboundOf('public'),
    readInvoice: (text) => (text === 'lnbc1' ? { text, amountMsat: 5_000 } : undefined),
    timeoutMs: 5_000,
  });
  return { asked, pay: () => pay(`ann@${HOST}`, 5_000) };
};

test('an invoice is asked for in the amount, at the address that the offer names', async () => {
  const { asked, pay } = enter();
  assert.equal((await pay()).text, 'lnbc1');
  assert.deepEqual(asked, [`any https://${HOST}${OFFER}`, `any https://${HOST}/pay?id=7&amount=5000`]);
});

test('whoever an offer names besides its own host is asked at public addresses alone', async () => {
  for (const host of ['other.example', `${HOST}:444`, '127.0.0.1', `${HOST}.evil.example`]) {
    const { asked, pay } = enter();
    answers.set(OFFER, { ...offer, callback: `https://${host}/pay` });
    await pay();
    assert.equal(asked[1], `public https://${host}/pay?amount=5000`);
  }
});

const table: readonly (readonly [
  what: string,
  path: string,
  answer: Fault | Readonly<Record<string, unknown>>,
  expected: RegExp,
  asked: number,
])[] = [
  ['an offer that leads elsewhere', OFFER, redirected('/pay', 302), /no invoice: status 302/, 1],
  ['an invoice that leads elsewhere', '/pay', redirected(OFFER, 307), /no invoice: status 307/, 2],
  ['an offer without end', OFFER, hugeBody(), /larger than 65536 bytes/, 1],
  ['an invoice without end', '/pay', hugeBody(), /larger than 65536 bytes/, 2],
  ['an offer of something else', OFFER, { ...offer, tag: 'withdrawRequest' }, /no invoice/, 1],
  ['an unencrypted callback', OFFER, { ...offer, callback: `http://${HOST}/pay` }, /no invoice/, 1],
  ['a callback that is no URL', OFFER, { ...offer, callback: '/pay' }, /no invoice/, 1],
  ['an offer that takes more', OFFER, { ...offer, minSendable: 5_001 }, /takes 5001 to 9000 msat, not 5000/, 1],
  ['an offer that takes less', OFFER, { ...offer, maxSendable: 4_999 }, /takes 1000 to 4999 msat, not 5000/, 1],
  ['an invoice that is none', '/pay', { pr: 'lnbc2' }, /no invoice with an amount/, 2],
  ['an invoice of any length', '/pay', { pr: 'l'.repeat(4_097) }, /no invoice/, 2],
  ['an error', '/pay', { status: 'ERROR', reason: 'closed' }, /no invoice/, 2],
];

for (const [what, path, answer, expected, times] of table) {
  test(`${what} is paid nothing, and nobody else is asked`, async () => {
    const { asked, pay } = enter();
    if (typeof answer === 'function') faults.set(path, answer);
    else answers.set(path, answer);
    await assert.rejects(pay(), expected);
    assert.equal(asked.length, times);
  });
}
