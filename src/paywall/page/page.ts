/**
 * The page for people: what it costs, the request for their wallet, and a form for the token. One HTML document with nothing from
 * elsewhere; it works without its script.
 */
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { perObject } from '../../core/per-object.ts';
import { type Refusal, type RefusalCode, refusalKinds } from '../../core/refusal.ts';
import { type Asked, askedBy } from '../challenge.ts';
import { amountText, purchaseText, timeText } from './amounts.ts';
import { Html, html } from './html.ts';
import { qrCode } from './qr-code.ts';
import { isWorthKeeping, otherwise, words } from './words.ts';

export type PageState = Readonly<{
  /** The 402 that says what it costs. */
  invite: Refusal;
  /** Why nobody was let in. */
  code: RefusalCode;
  /** Where the form is sent. */
  action: string;
  host: string;
  /** The page that is wanted, as a request target. */
  to: string;
  /** What it costs, where that was raised. */
  amount: string | undefined;
  /** As it was handed in, and may be again. */
  token?: string | undefined;
}>;

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');

const style = read('style.css');
const script = `const words = ${JSON.stringify({ ...words, otherwise })};\n${read('client.js')}`;

const sourceOf = (text: string): string => `'sha256-${hash('sha256', text, 'base64')}'`;

const policies = [
  "default-src 'none'",
  `script-src ${sourceOf(script)}`,
  `style-src ${sourceOf(style)}`,
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
];

/** Of the page's answer. The page says most of it itself, for proxies that do not hand the header on. */
export const pageHeaders = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': [...policies, "frame-ancestors 'none'"].join('; '),
  // With `no-referrer` browsers would hide where the form comes from, as a forged one does.
  'Referrer-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  Vary: 'Accept, Sec-Fetch-Dest',
} as const;

type Price = Asked['prices'][number];

/** Their codes make the page large, and some proxies bound a refusal. */
const MOST_CODES = 3;

const mintList = ({ mints }: Price): Html => {
  if (mints.length === 0) return html`<p>Tokens of any mint are taken.</p>`;
  const items = mints.map((mint) => html`<li>${mint}</li>`);
  return html`<p>${mints.length === 1 ? 'Accepted mint:' : 'Accepted mints:'}</p>
<ul class="mints">${items}</ul>`;
};

const payment = (price: Price, index: number): Html => {
  const { amount, unit, request } = price;
  const code = index < MOST_CODES ? qrCode(request, 'QR code of the payment request') : undefined;
  return html`<div class="payment">
${code === undefined ? undefined : new Html(code)}
<div>
<p class="buttons"><a class="button" href="cashu:${request}">Pay ${amountText(amount, unit)} by wallet</a>
<button type="button" class="copy" hidden>Copy request</button></p>
<details><summary>Request for ${amountText(amount, unit)} as text</summary><code>${request}</code></details>
${mintList(price)}
</div>
</div>`;
};

const choice = (price: Price, index: number): Html => {
  const { amount, unit, buys } = price;
  const shown = payment(price, index);
  if (index === 0) return shown;
  return html`<details class="other"><summary>Or pay ${amountText(amount, unit)} for ${purchaseText(buys)}</summary>
${shown}</details>`;
};

const priceOf = ({ amount, unit, buys }: Price, index: number): Html =>
  html`${index === 0 ? undefined : ', or '}<strong>${amountText(amount, unit)}</strong> for ${purchaseText(buys)}`;

const freeText = ({ free }: Asked): Html | undefined => {
  if (!free) return undefined;
  const requests = free.limit === 1 ? 'request' : purchaseText({ requests: free.limit });
  return html`<p>The first ${requests} in ${timeText(free.windowMs)} ${free.limit === 1 ? 'is' : 'are'} free.</p>`;
};

/** What is the same for everybody, made once for each price list. */
const offer = perObject((asked: Asked): string => {
  const isCounted = asked.prices.some(({ buys }) => 'requests' in buys && buys.requests > 1);
  const each = isCounted ? html`<p>Each page, picture or file counts as one request.</p>` : undefined;
  return html`<p class="price">${asked.prices.map(priceOf)}.</p>
${each}${freeText(asked)}
<h2>1. Make a token in your Cashu wallet</h2>
<p>Scan the code, or open or copy the request. The wallet gives you a token: a long text that is worth the money.</p>
${asked.prices.map(choice)}`.text;
});

const problem = (code: RefusalCode): Html => {
  if (code === 'payment_required') return html`<div id="problem" role="alert" tabindex="-1" hidden></div>`;
  const isWaiting = refusalKinds[code].status === 503;
  return html`<div id="problem" class="${isWaiting ? 'waiting' : ''}" role="alert" tabindex="-1" autofocus>
${words[code] ?? otherwise}
</div>`;
};

/** Undefined where a payment would change nothing. */
export const renderPage = (state: PageState): string | undefined => {
  const { invite, code, action, host, to, amount, token = '' } = state;
  const asked = askedBy(invite);
  if (!asked) return undefined;
  const [first] = asked.prices;
  const isSingle = 'requests' in first.buys && first.buys.requests === 1;
  const isBad = code !== 'payment_required';
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policies.join('; ')}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="same-origin">
<meta name="robots" content="noindex">
<title>${isBad ? 'Not paid yet' : 'Payment required'} – ${host}</title>
<style>${new Html(style)}</style>
</head>
<body>
<main>
<h1>Payment required</h1>
<p class="wanted">${host}${to.split('?')[0]}</p>
${new Html(offer(asked))}
<h2>2. Paste the token here</h2>
${problem(code)}
<form method="post" action="${action}" data-amount="${first.amount}"${isSingle ? html` data-single` : undefined}>
<input type="hidden" name="to" value="${to}">
<input type="hidden" name="amount" value="${amount}">
<label for="token">Cashu token</label>
<textarea id="token" name="token" rows="4" required spellcheck="false" autocomplete="off" autocapitalize="off"
 aria-describedby="hint problem">${isWorthKeeping(code) ? token : ''}</textarea>
<p id="hint">It begins with cashuA or cashuB. What it is worth beyond the price stays as your credit here.</p>
<button>Pay and continue</button>
<p id="progress" role="status"></p>
</form>
</main>
<script>${new Html(script)}</script>
</body>
</html>
`.text;
};
