/** What every ledger holds to about sessions and the accounts that they open. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Claims, Debit, Ledger, SessionOffer } from '../../src/paywall/ledger.ts';
import { type OpenLedger, paymentOf, setOf, signatures } from './ledger-contract.ts';

const debitOf = (changes: Partial<Debit> = {}): Debit => ({
  rule: 'premium',
  amount: 10,
  unit: 'sat',
  buys: { requests: 1 },
  nowMs: 1_000,
  ...changes,
});

const offerOf = (name: string, expiresAtMs = 5_000): SessionOffer => ({
  idHash: name,
  salt: `salt ${name}`,
  expiresAtMs,
});

const settle = async (ledger: Ledger, letters: string, credit = 100, accountId?: string): Promise<Claims> => {
  const claims = setOf(letters);
  assert.equal(await ledger.prepare({ ...paymentOf(claims, { credit }), accountId }, claims), true);
  await ledger.lease(claims.paymentId, 'us', 0, 1_000);
  await ledger.settle(claims.paymentId, 1, signatures, 0);
  return claims;
};

const login = async (ledger: Ledger, claims: Claims, offer: SessionOffer, changes: Partial<Debit> = {}) => {
  const standing = await ledger.present(claims, debitOf(changes), true, offer);
  return standing.standing === 'debited' ? standing.session : undefined;
};

const grantOf = ({ salt, expiresAtMs }: SessionOffer) => ({ salt, expiresAtMs });

/** `options`: of each test, for a database that may not be on this machine. */
export const sessionContract = (name: string, open: OpenLedger, options: { skip?: string | false } = {}): void => {
  const guarantee = (what: string, check: (ledger: Ledger, t: TestContext) => Promise<void>) =>
    test(`${name}: ${what}`, options, async (t) => check(await open(t), t));

  for (const buys of [{ requests: 1 }, { timeMs: 10_000 }]) {
    guarantee(`of many who log in at once, all get one session, for ${Object.keys(buys)}`, async (ledger) => {
      const claims = await settle(ledger, 'a', 1_000);
      const offers = Array.from({ length: 30 }, (_, index) => offerOf(`${index}`));
      const grants = await Promise.all(offers.map((offer) => login(ledger, claims, offer, { buys })));
      assert.equal(new Set(grants.map((grant) => grant?.salt)).size, 1);
      assert.deepEqual(await login(ledger, claims, offerOf('late'), { buys }), grants[0]);
      const found = await Promise.all(offers.map(({ idHash }) => ledger.findSession(idHash, 1_000)));
      assert.equal(found.filter(({ session }) => session === 'open').length, 1);
    });

    guarantee(
      `a session ends to the millisecond, and the next login gets another, for ${Object.keys(buys)}`,
      async (ledger) => {
        const claims = await settle(ledger, 'a');
        await login(ledger, claims, offerOf('one', 5_000), { buys });
        assert.equal((await ledger.findSession('one', 4_999)).session, 'open');
        assert.equal((await ledger.findSession('one', 5_000)).session, 'closed');
        const two = offerOf('two', 9_000);
        assert.deepEqual(await login(ledger, claims, two, { buys, nowMs: 5_000 }), grantOf(two));
        assert.equal((await ledger.findSession('two', 5_000)).session, 'open');
      },
    );
  }

  guarantee('a session is found with its account, and what is left on it', async (ledger) => {
    const claims = await settle(ledger, 'a');
    assert.deepEqual(await ledger.findSession('one', 0), { session: 'unknown' });
    await login(ledger, claims, offerOf('one'));
    assert.deepEqual(await ledger.findSession('one', 0), {
      session: 'open',
      account: { id: claims.paymentId, mint: 'https://mint.example', unit: 'sat' },
      expiresAtMs: 5_000,
    });
    assert.equal(await ledger.balanceOf(claims.paymentId), 90);
  });

  guarantee('neither a preview nor what is used up opens a session', async (ledger) => {
    const claims = await settle(ledger, 'a');
    const offer = offerOf('one');
    assert.equal('session' in (await ledger.present(claims, debitOf(), false)), false);
    assert.equal(await login(ledger, claims, offer, { amount: 101 }), undefined);
    assert.equal((await ledger.findSession('one', 0)).session, 'unknown');
  });

  for (const buys of [{ requests: 1 }, { timeMs: 10_000 }]) {
    guarantee(
      `a session without a debit: nothing is taken, however many ask, for ${Object.keys(buys)}`,
      async (ledger) => {
        const claims = await settle(ledger, 'a');
        const standings = await Promise.all(
          Array.from({ length: 30 }, (_, index) =>
            ledger.present(claims, debitOf({ buys }), false, offerOf(`${index}`)),
          ),
        );
        assert.equal(new Set(standings.map((standing) => 'session' in standing && standing.session?.salt)).size, 1);
        const [open, ...others] = (
          await Promise.all(standings.map((_, index) => ledger.findSession(`${index}`, 0)))
        ).filter(({ session }) => session === 'open');
        assert.deepEqual([open?.session, others], ['open', []]);
        assert.equal(await ledger.balanceOf(claims.paymentId), 100);
        const tooDear = await ledger.present(claims, debitOf({ buys, amount: 101 }), false, offerOf('dear'));
        assert.equal(tooDear.standing, 'exhausted');
      },
    );
  }

  guarantee('token and session draw on one balance, however many ask', async (ledger) => {
    const claims = await settle(ledger, 'a');
    const standings = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        index % 2 === 0
          ? ledger.present(claims, debitOf(), true, offerOf('one'))
          : ledger.draw(claims.paymentId, debitOf(), true),
      ),
    );
    assert.equal(standings.filter(({ standing }) => standing === 'debited').length, 10);
    const left = await ledger.draw(claims.paymentId, debitOf(), true);
    assert.deepEqual(left, { standing: 'exhausted', paymentId: claims.paymentId, balance: 0, unit: 'sat' });
  });

  guarantee('time that the token bought runs for the session, and is not bought twice', async (ledger) => {
    const claims = await settle(ledger, 'a', 20);
    const pass = { buys: { timeMs: 1_000 } };
    await login(ledger, claims, offerOf('one'), pass);
    const at = async (nowMs: number) =>
      (await ledger.draw(claims.paymentId, debitOf({ ...pass, nowMs }), true)).standing;
    assert.deepEqual(
      [await at(1_000), await at(1_999), await at(2_000), await at(3_000)],
      ['debited', 'debited', 'debited', 'exhausted'],
    );
  });

  guarantee('a preview of a draw changes nothing', async (ledger) => {
    const claims = await settle(ledger, 'a', 10);
    for (const commit of [false, false, true]) {
      assert.equal((await ledger.draw(claims.paymentId, debitOf(), commit)).standing, 'debited');
    }
    assert.equal((await ledger.draw(claims.paymentId, debitOf(), false)).standing, 'exhausted');
  });

  guarantee('nobody draws on an account that there is none of', async (ledger) => {
    await assert.rejects(ledger.draw('pay_none', debitOf(), true));
  });

  guarantee('what ended is forgotten, a few at a time, and what has not ended is not', async (ledger) => {
    const pass = { buys: { timeMs: 1_000 } };
    for (const [index, letter] of [...'abcde'].entries()) {
      await login(ledger, await settle(ledger, letter), offerOf(letter, 5_000 + index), pass);
    }
    const known = async () => {
      const found = await Promise.all([...'abcde'].map((id) => ledger.findSession(id, 9_000)));
      return found.filter(({ session }) => session === 'closed').length;
    };
    assert.deepEqual([await ledger.forget(4_999, 2), await known()], [false, 5]);
    assert.deepEqual([await ledger.forget(5_003, 2), await known()], [true, 3]);
    assert.deepEqual([await ledger.forget(5_003, 2), await known()], [true, 1]);
    assert.deepEqual([await ledger.forget(5_003, 2), await known()], [false, 1]);
    assert.deepEqual(await login(ledger, setOf('a'), offerOf('again'), pass), grantOf(offerOf('again')));
    assert.equal((await ledger.draw(setOf('a').paymentId, debitOf(pass), true)).balance, 90, 'the time runs on');
  });

  guarantee('a request that was debited is remembered to its end, and can be forgotten then', async (ledger) => {
    const { paymentId } = await settle(ledger, 'a');
    const once = { key: 'request', untilMs: 2_000 };
    const balanceAt = async (nowMs: number) => (await ledger.draw(paymentId, debitOf({ once, nowMs }), true)).balance;
    assert.equal(await balanceAt(1_000), 90);
    assert.equal(await ledger.forget(1_999, 10), false);
    assert.equal(await balanceAt(1_999), 90);
    assert.equal(await ledger.forget(2_000, 1), true);
    assert.equal(await ledger.forget(2_000, 1), false);
  });

  guarantee('revoking closes the sessions of every payment of the account; the token opens another', async (ledger) => {
    const first = await settle(ledger, 'a');
    const more = await settle(ledger, 'b', 50, first.paymentId);
    const other = await settle(ledger, 'c');
    await login(ledger, first, offerOf('first'));
    await login(ledger, more, offerOf('more'));
    await login(ledger, other, offerOf('other'));
    await login(ledger, await settle(ledger, 'd', 50, first.paymentId), offerOf('over', 1_500));
    const accountId = first.paymentId;
    const revoked = await ledger.revokeSessions(more.paymentId, 1_500);
    assert.deepEqual(revoked, { accountId, closed: 2 }, 'by any payment of the account');
    assert.deepEqual(await ledger.revokeSessions(accountId, 1_500), { accountId, closed: 0 });
    assert.equal(await ledger.revokeSessions('pay_none', 1_500), undefined);
    const states = await Promise.all(['first', 'more', 'other'].map((id) => ledger.findSession(id, 1_600)));
    assert.deepEqual(
      states.map(({ session }) => session),
      ['closed', 'closed', 'open'],
    );
    const again = offerOf('again');
    assert.deepEqual(await login(ledger, first, again, { nowMs: 1_600 }), grantOf(again));
  });

  guarantee('a payment adds to an account once, and opens it from then on', async (ledger) => {
    const first = await settle(ledger, 'a', 10);
    const more = await settle(ledger, 'b', 25, first.paymentId);
    await ledger.settle(more.paymentId, 1, signatures, 0);
    await login(ledger, more, offerOf('more'));
    assert.deepEqual(await ledger.findSession('more', 0), {
      session: 'open',
      account: { id: first.paymentId, mint: 'https://mint.example', unit: 'sat' },
      expiresAtMs: 5_000,
    });
    assert.equal(await ledger.balanceOf(first.paymentId), 25);
    const debits = await Promise.all(
      [first, more, first, more].map((claims) => ledger.present(claims, debitOf(), true)),
    );
    assert.equal(debits.filter(({ standing }) => standing === 'debited').length, 2);
  });

  guarantee('a payment that is not settled adds nothing, and does not open what runs', async (ledger) => {
    const first = await settle(ledger, 'a', 10);
    await login(ledger, first, offerOf('first'), { buys: { timeMs: 1_000 } });
    const more = setOf('b');
    await ledger.prepare({ ...paymentOf(more), accountId: first.paymentId }, more);
    const standing = await ledger.present(more, debitOf({ buys: { timeMs: 1_000 } }), true, offerOf('more'));
    assert.equal(standing.standing, 'prepared');
    assert.equal(
      (await ledger.draw(first.paymentId, debitOf({ rule: 'other', amount: 1 }), false)).standing,
      'exhausted',
    );
  });
};
