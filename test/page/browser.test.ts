/** The payment page in real Chromium, behind real proxies. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { ownerOfFile } from '../k8s/file-owner.ts';
import { answering, hold } from '../peers/faults.ts';
import { needs } from '../servers/programs.ts';
import { until } from '../servers/until.ts';
import { fieldOf, handIn, openScene, PRICE, untilOpened } from './scene.ts';
import { shoot } from './screenshots.ts';

const options = needs('chromium', 'nginx', 'envoy', 'openssl');
const scene = options.skip ? undefined : await openScene(ownerOfFile());
const inScene = () => scene ?? assert.fail('The scene has not been opened');

const problemOf = async (page: Page): Promise<string> => {
  const problem = page.getByRole('alert');
  await problem.waitFor();
  return (await problem.textContent()) ?? '';
};

for (const front of ['nginx', 'nginx with TLS', 'Envoy', 'a stand-in for Traefik'] as const) {
  test(`${front}: a visitor pays, and gets the page that was wanted`, options, async () => {
    const { payer, visit, app } = inScene();
    const { page, context, origin, asked, complaints, status } = await visit('/films/one%20more?part=2', front);
    assert.equal(status, 402);
    const token = await payer.token(PRICE);
    await handIn(page, token);
    await untilOpened(page, '/films/one%20more?part=2');
    assert.equal(page.url(), `${origin}/films/one%20more?part=2`);
    assert.ok(!JSON.stringify(app.latest()).includes(token));
    for (const url of asked) assert.ok(url.startsWith(`${origin}/`) && !url.includes('cashu'), url);
    assert.deepEqual(complaints, []);
    const [cookie, ...others] = await context.cookies();
    assert.deepEqual(others, []);
    const isSecure = front === 'nginx with TLS';
    assert.deepEqual(
      [cookie?.name, cookie?.secure, cookie?.httpOnly, cookie?.sameSite],
      [isSecure ? '__Host-sallyport-session' : 'sallyport-session', isSecure, true, 'Lax'],
    );
    await page.reload();
    await untilOpened(page, '/films/one%20more?part=2');
    await page.reload();
    assert.match(await problemOf(page), /What you paid for is used up/);
  });

  test(`${front}: the same without a script`, options, async () => {
    const { payer, visit } = inScene();
    const { page, origin, complaints } = await visit('/films/2', front, { javaScriptEnabled: false });
    await handIn(page, 'cashuBrubbish');
    assert.match(await problemOf(page), /This is no Cashu token/);
    assert.equal(await fieldOf(page).inputValue(), 'cashuBrubbish');
    await handIn(page, await payer.token(PRICE));
    await untilOpened(page, '/films/2');
    assert.equal(page.url(), `${origin}/films/2`);
    assert.deepEqual(complaints, []);
  });
}

test('the page says in roles and names what it shows, and can be used by keys alone', options, async () => {
  const { payer, visit } = inScene();
  const { page } = await visit('/films/3');
  assert.equal(await page.title(), 'Payment required – shop.example.com');
  assert.equal(await page.getByRole('heading', { level: 1 }).textContent(), 'Payment required');
  assert.equal(await page.getByRole('img', { name: 'QR code of the payment request' }).count(), 1);
  assert.match(
    (await page.getByRole('link', { name: 'Pay 8 sat by wallet' }).getAttribute('href')) ?? '',
    /^cashu:creqA/,
  );
  await shoot(page, 'first');
  await fieldOf(page).focus();
  await page.keyboard.insertText(await payer.token(PRICE));
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await untilOpened(page, '/films/3');
});

test('several prices, long names and free requests that are used up', options, async () => {
  const { visit } = inScene();
  const { page } = await visit('/reports/1');
  await untilOpened(page, '/reports/1');
  await page.goto(`${page.url()}/with-a-very-long-name-that-nobody-breaks-into-lines-for-us?and=a-query`);
  assert.match(
    (await page.locator('main').textContent()) ?? '',
    /8 sat for 1 hour of access, or USD 0\.50 for 1 hour of access/,
  );
  assert.match((await page.locator('main').textContent()) ?? '', /The first request in 1 day is free/);
  await shoot(page, 'prices');
  await page.getByText('Or pay USD 0.50').click();
  await shoot(page, 'prices-opened');
});

for (const [title, tokenOf, words, name] of [
  ['a token that is none', async () => 'cashuBrubbish', /This is no Cashu token/, 'wrong'],
  ['a token that is spent', () => inScene().spentToken(), /This token has been spent already/, 'spent'],
  [
    'a token that is worth too little',
    () => inScene().payer.token(PRICE - 1),
    /worth too little.*still yours/,
    'little',
  ],
] as const) {
  test(`${title} is told so in words, with the focus there; another then opens`, options, async () => {
    const { payer, visit } = inScene();
    const { page, complaints } = await visit('/films/4');
    const token = await tokenOf();
    await handIn(page, token);
    assert.match(await problemOf(page), words);
    assert.equal(await page.evaluate('document.activeElement.id'), 'problem');
    assert.equal(await fieldOf(page).inputValue(), token);
    assert.equal(await fieldOf(page).getAttribute('aria-invalid'), 'true');
    await shoot(page, name);
    await handIn(page, await payer.token(PRICE));
    await untilOpened(page, '/films/4');
    assert.deepEqual(complaints, []);
  });
}

test('while the mint is slow the page says so; then it opens', options, async () => {
  const { mint, payer, visit } = inScene();
  const { page } = await visit('/films/5');
  const held = hold('before');
  mint.faults.set('/v1/swap', held.fault, { times: 1 });
  await handIn(page, await payer.token(PRICE));
  await until('the mint has the swap', () => held.waiting() === 1);
  assert.match((await page.getByRole('status').textContent()) ?? '', /Asking the mint/);
  assert.equal(await page.getByRole('button', { name: 'Pay and continue' }).isDisabled(), true);
  await shoot(page, 'slow');
  held.release();
  await untilOpened(page, '/films/5');
});

test(
  'while the mint does not know, the token stays and is sent again by itself, and counts once',
  options,
  async () => {
    const { mint, payer, visit } = inScene();
    const { page } = await visit('/films/6');
    const spentBefore = mint.spentAmount();
    mint.faults.set('/v1/swap', answering(500), { times: 2 });
    const token = await payer.token(PRICE);
    await handIn(page, token);
    assert.match(await problemOf(page), /The mint has not confirmed your token yet\. It is not lost/);
    assert.match(
      (await page.getByRole('status').textContent()) ?? '',
      /Trying again with the same token in \d+ second/,
    );
    assert.equal(await fieldOf(page).inputValue(), token);
    assert.equal(await fieldOf(page).getAttribute('aria-invalid'), null, 'it is as good as before');
    await shoot(page, 'uncertain');
    await untilOpened(page, '/films/6');
    assert.equal(mint.spentAmount() - spentBefore, PRICE);
  },
);

test('without a script too, the token stays while the mint does not know, and may be sent again', options, async () => {
  const { mint, payer, visit } = inScene();
  const { page } = await visit('/films/7', 'nginx', { javaScriptEnabled: false });
  mint.faults.set('/v1/swap', answering(500), { times: 2 });
  const token = await payer.token(PRICE);
  await handIn(page, token);
  assert.match(await problemOf(page), /The mint has not confirmed your token yet/);
  assert.equal(await fieldOf(page).inputValue(), token);
  await shoot(page, 'uncertain-no-script');
  await until(
    'it is paid',
    async () => {
      await page.getByRole('button', { name: 'Pay and continue' }).click();
      return (await page.content()).includes('"url":"/films/7"');
    },
    { everyMs: 500 },
  );
});

test('a site that cannot be reached is told so, and the token stays', options, async () => {
  const { payer, visit } = inScene();
  const { page, context } = await visit('/films/8');
  const token = await payer.token(PRICE);
  await context.setOffline(true);
  await handIn(page, token);
  assert.match(await problemOf(page), /This site cannot be reached/);
  assert.equal(await fieldOf(page).inputValue(), token);
  await context.setOffline(false);
  await page.getByRole('button', { name: 'Pay and continue' }).click();
  await untilOpened(page, '/films/8');
});

const lost = 'nginx without the way to Sallyport';

test('where the way to Sallyport is missing, the script asks for the page with the token', options, async () => {
  const { payer, visit, spentToken, app } = inScene();
  const { page, asked, complaints } = await visit('/films/9?part=1', lost);
  await handIn(page, await spentToken());
  assert.match(await problemOf(page), /This token has been spent already/);
  const token = await payer.token(PRICE);
  await handIn(page, token);
  await untilOpened(page, '/films/9?part=1');
  assert.ok(!JSON.stringify(app.latest()).includes(token));
  for (const url of asked) assert.ok(!url.includes('cashu'), url);
  assert.deepEqual(complaints, []);
});

test('there, what one request bought is shown and not lost', options, async () => {
  const { payer, visit } = inScene();
  const { page } = await visit('/once/1', lost);
  await handIn(page, await payer.token(PRICE));
  await untilOpened(page, '/once/1');
});

test('the policy lets no other script run, and nothing go elsewhere', options, async () => {
  const { visit, mint } = inScene();
  const { page, complaints } = await visit('/films/10');
  const ran = await page.evaluate(`{
    const script = document.createElement('script');
    script.textContent = 'globalThis.ran = true';
    document.body.append(script);
    Object.hasOwn(globalThis, 'ran');
  }`);
  const sent = await page.evaluate(`fetch('${mint.url}', { mode: 'no-cors' }).then(() => 'sent', () => 'kept')`);
  assert.deepEqual([ran, sent], [false, 'kept']);
  assert.ok(complaints.length > 0);
});

test('a form on another site cannot bring a visitor its session', options, async () => {
  const { payer, visit } = inScene();
  const { page, context, origin } = await visit('/films/11');
  const token = await payer.token(PRICE);
  const elsewhere = origin.replace('shop.', 'evil.');
  await page.route(`${elsewhere}/`, (route) =>
    route.fulfill({
      contentType: 'text/html',
      body: `<form method="post" action="${origin}/.sallyport/pay"><input name="token" value="${token}">
        <input name="to" value="/films/11"><button>Win</button></form>`,
    }),
  );
  await page.goto(`${elsewhere}/`);
  await page.getByRole('button', { name: 'Win' }).click();
  assert.match(await problemOf(page), /This form came from another site/);
  assert.equal(await fieldOf(page).inputValue(), '');
  assert.deepEqual(await context.cookies(), []);
});
