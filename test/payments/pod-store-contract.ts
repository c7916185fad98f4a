/** What every ledger of pods holds to, whichever database is behind it. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { PaidPod } from '../../src/core/pod.ts';
import type { DeferredLedger } from '../../src/paywall/deferred/deferred-ledger.ts';
import type { Claims, Debit, Ledger, PodOrder, Standing } from '../../src/paywall/ledger.ts';
import type { ProofStore } from '../../src/paywall/wallet/proof-store.ts';
import type { RefundStore } from '../../src/paywall/wallet/refund-store.ts';
import type { PodStore } from '../../src/pods/pod-store.ts';
import { paymentOf, setOf, signatures } from './ledger-contract.ts';

export type PodBooks = Readonly<{
  ledger: Ledger;
  deferred: DeferredLedger;
  proofs: ProofStore;
  refunds: RefundStore;
  pods: PodStore;
}>;

const PRICE = 10;
const HOUR_MS = 3_600_000;
const START_MS = 1_700_000_000_000;

export const orderOf = (changes: Partial<PodOrder> = {}): PodOrder => ({
  template: 'default',
  mostOfAccount: 1,
  mostInAll: 3,
  longestMs: 4 * HOUR_MS,
  canStart: true,
  ...changes,
});

const debitOf = (changes: Partial<Debit> = {}): Debit => ({
  rule: 'premium',
  amount: PRICE,
  unit: 'sat',
  buys: { timeMs: HOUR_MS },
  nowMs: START_MS,
  pod: orderOf(),
  ...changes,
});

type Payment = Readonly<{ credit?: number; accountId?: string; debit?: Debit }>;

/** As a charge writes it, for the debit that is to follow. */
const newPayment = (claims: Claims, { credit = PRICE, accountId, debit = debitOf() }: Payment = {}) => {
  return { ...paymentOf(claims, { credit, createdAtMs: debit.nowMs }), accountId, wants: debit };
};

const prepare = ({ ledger }: PodBooks, letters: string, payment: Payment = {}) => {
  const claims = setOf(letters);
  return ledger.prepare(newPayment(claims, payment), claims, { holder: 'us', untilMs: START_MS + 1_000 });
};

const settle = ({ ledger }: PodBooks, letters: string, debit = debitOf(), commit = true) => {
  const claims = setOf(letters);
  const presented = { claims, debit, commit, offer: undefined };
  return ledger.settle(claims.paymentId, 1, signatures, debit.nowMs, presented);
};

/** A token of its own account that buys a pod. */
const buy = async (books: PodBooks, letters: string, payment: Payment = {}): Promise<PaidPod> => {
  assert.equal(await prepare(books, letters, payment), 'leased');
  const standing = await settle(books, letters, payment.debit);
  assert.equal(standing?.standing, 'debited');
  return standing.pod ?? assert.fail('no pod');
};

const podOf = async ({ ledger }: PodBooks, accountId: string, debit = debitOf()): Promise<PaidPod | undefined> => {
  const standing = await ledger.draw(accountId, debit, true);
  return standing.standing === 'debited' ? standing.pod : undefined;
};

/** A further token of an account, sent for its pod. */
const addTo = async (books: PodBooks, accountId: string, letters: string, credit: number): Promise<void> => {
  assert.equal(await prepare(books, letters, { credit, accountId }), 'leased');
  assert.equal((await settle(books, letters))?.standing, 'debited');
};

const runsFor = (standing: Standing | undefined): number | undefined =>
  standing?.standing === 'debited' ? standing.pod?.runsMs : undefined;

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

const idOf = (letters: string): string => setOf(letters).paymentId;

const why = (outcome: unknown): unknown =>
  typeof outcome === 'object' && outcome !== null && 'why' in outcome ? outcome.why : outcome;

export const podStoreContract = (
  name: string,
  open: (t: TestContext) => Promise<PodBooks>,
  options: { skip?: string | false } = {},
): void => {
  const guarantee = (what: string, check: (books: PodBooks) => Promise<void>) =>
    test(`${name}: ${what}`, options, async (t) => check(await open(t)));

  guarantee('a pod that is bought in the place of a payment under way takes that place', async (books) => {
    const debit = debitOf({ pod: orderOf({ mostInAll: 1 }) });
    const { name: former } = await buy(books, 'a', { credit: 30, debit });
    assert.equal(await books.pods.end(former, 'deleted', START_MS), true);
    assert.equal(await prepare(books, 'b', { accountId: idOf('a'), debit }), 'leased');
    assert.ok(await podOf(books, idOf('a'), debit));
    assert.deepEqual(await books.pods.counts(), { reserved: 0, wanted: 1, created: 0 });
    assert.equal(runsFor(await settle(books, 'b', debit)), 2 * HOUR_MS);
  });

  guarantee('a pod is written with the debit that pays for it, and found by every later request', async (books) => {
    const pod = await buy(books, 'a', { credit: 15 });
    assert.match(pod.name, /^user-pod-[0-9a-f]{12}$/);
    assert.deepEqual(pod, {
      name: pod.name,
      template: 'default',
      paymentId: idOf('a'),
      amount: PRICE,
      unit: 'sat',
      stage: 'wanted',
      runsMs: HOUR_MS,
      expiresAtMs: START_MS + HOUR_MS,
    });
    const again = await books.ledger.present(setOf('a'), debitOf(), true);
    const runs = { standing: 'debited', paymentId: idOf('a'), balance: 5, runsUntilMs: pod.expiresAtMs, pod };
    assert.deepEqual(again, runs);
    assert.deepEqual(await books.ledger.draw(idOf('a'), debitOf(), false), runs);
    assert.deepEqual(await books.pods.counts(), { reserved: 0, wanted: 1, created: 0 });
    assert.deepEqual(await books.pods.find(pod.name), {
      ...pod,
      rule: 'premium',
      lastsMs: HOUR_MS,
      wantedAtMs: START_MS,
    });
    assert.deepEqual(await books.pods.wanted(9), [await books.pods.find(pod.name)]);
    assert.equal(await books.pods.find('user-pod-none'), undefined);
  });

  guarantee('50 requests that race with one token have one pod between them', async (books) => {
    await prepare(books, 'a', { credit: 100 });
    const standings = await Promise.all(Array.from({ length: 50 }, () => settle(books, 'a')));
    const names = standings.map((one) => (one?.standing === 'debited' ? one.pod?.name : one?.standing));
    assert.equal(new Set(names).size, 1);
    assert.equal(await books.ledger.balanceOf(idOf('a')), 90);
    assert.equal((await books.pods.list({ alive: true, limit: 9 })).length, 1);
  });

  guarantee('its time begins when it is there, and the purchase ends with it', async (books) => {
    const { name } = await buy(books, 'a', { credit: 2 * PRICE });
    const lateMs = START_MS + 2 * HOUR_MS;
    assert.equal(
      (await podOf(books, idOf('a'), debitOf({ nowMs: lateMs })))?.name,
      name,
      'it waits as long as it takes',
    );
    const row = await books.pods.noteCreated(name, lateMs);
    assert.deepEqual([row?.stage, row?.createdAtMs, row?.expiresAtMs], ['created', lateMs, lateMs + HOUR_MS]);
    assert.deepEqual(await books.pods.noteCreated(name, lateMs + 5), row, 'noted once');
    await books.pods.noteSeen(name, { ip: '10.0.0.7', isReady: false }, lateMs + 6);
    await books.pods.noteSeen(name, { isReady: true }, lateMs + 7);
    await books.pods.noteSeen(name, { isReady: false }, lateMs + 8);
    const seen = await books.pods.find(name);
    assert.deepEqual([seen?.stage, seen?.ip, seen?.readyAtMs], ['ready', '10.0.0.7', lateMs + 7]);
    assert.equal((await podOf(books, idOf('a'), debitOf({ nowMs: lateMs + HOUR_MS - 1 })))?.name, name);
    assert.deepEqual(await books.pods.expired(lateMs + HOUR_MS - 1, 9), []);
    const next = await podOf(books, idOf('a'), debitOf({ nowMs: lateMs + HOUR_MS }));
    assert.ok(next && next.name !== name, 'another is bought of the credit that is left');
    assert.deepEqual(
      (await books.pods.expired(lateMs + HOUR_MS, 9)).map((pod) => pod.name),
      [name],
    );
    assert.equal(await books.pods.end(name, 'expired', lateMs + HOUR_MS), true);
    assert.equal(await books.pods.end(name, 'expired', lateMs + HOUR_MS), false);
    assert.equal(await books.pods.noteCreated(name, lateMs + HOUR_MS), undefined);
    assert.equal((await podOf(books, idOf('a'), debitOf({ nowMs: lateMs + HOUR_MS })))?.name, next.name);
  });

  guarantee('an operator who ends a pod ends its time, and gives nothing back', async (books) => {
    const { name } = await buy(books, 'a');
    await books.pods.noteCreated(name, START_MS);
    assert.equal(await books.pods.end(name, 'expired', START_MS), false, 'it has not expired');
    assert.equal(await books.pods.end(name, 'deleted', START_MS), true);
    assert.equal((await books.ledger.draw(idOf('a'), debitOf(), true)).standing, 'exhausted');
    assert.equal((await books.pods.find(name))?.ending, 'deleted');
  });

  guarantee('a pod that cannot be made is given back once, and its credit buys another', async (books) => {
    const { name } = await buy(books, 'a');
    await Promise.all(times(12, () => books.pods.find(name)));
    const given = await Promise.all(times(12, () => books.pods.giveBack(name, START_MS)));
    assert.equal(given.filter(Boolean).length, 1);
    assert.equal(await books.ledger.balanceOf(idOf('a')), PRICE);
    assert.equal(await books.pods.noteCreated(name, START_MS), undefined, 'who made it late deletes it');
    const next = await podOf(books, idOf('a'));
    assert.ok(next && next.name !== name);
    await books.pods.noteCreated(next.name, START_MS);
    assert.equal(await books.pods.giveBack(next.name, START_MS), false, 'it was made');
    const [owed] = await books.proofs.balances();
    assert.equal(owed?.owed, 0);
  });

  guarantee('a pod that is lost is wanted for what is left of its time, and given back by as much', async (books) => {
    const { name } = await buy(books, 'a');
    await books.pods.noteCreated(name, START_MS);
    await books.pods.noteSeen(name, { ip: '10.0.0.7', isReady: true }, START_MS);
    const lostAtMs = START_MS + HOUR_MS * 0.7;
    const lost = await books.pods.noteLost(name, lostAtMs);
    assert.deepEqual(
      [lost?.stage, lost?.runsMs, lost?.wantedAtMs, lost?.ip],
      ['wanted', HOUR_MS * 0.3, lostAtMs, undefined],
    );
    assert.deepEqual(await books.pods.noteLost(name, lostAtMs + 9), lost, 'lost once');
    await books.pods.noteSeen(name, { isReady: true }, lostAtMs);
    assert.equal((await books.pods.find(name))?.stage, 'wanted', 'what was seen before says nothing');
    const made = await books.pods.noteCreated(name, lostAtMs + HOUR_MS);
    assert.equal(made?.expiresAtMs, lostAtMs + 1.3 * HOUR_MS);
    await books.pods.noteLost(name, lostAtMs + HOUR_MS);
    assert.equal(await books.pods.giveBack(name, lostAtMs + HOUR_MS), true);
    assert.equal(await books.ledger.balanceOf(idOf('a')), 3);
  });

  guarantee('a pod whose time is over is not lost', async (books) => {
    const { name } = await buy(books, 'a');
    await books.pods.noteCreated(name, START_MS);
    assert.equal(await books.pods.noteLost(name, START_MS + HOUR_MS), undefined);
    assert.equal((await books.pods.expired(START_MS + HOUR_MS, 1)).length, 1);
  });

  for (const [stage, counted] of [
    ['wanted', { reserved: 0, wanted: 1, created: 0 }],
    ['created', { reserved: 0, wanted: 0, created: 1 }],
  ] as const) {
    guarantee(`each further token extends a ${stage} pod once, as far as credit goes`, async (books) => {
      const { name } = await buy(books, 'a');
      const accountId = idOf('a');
      if (stage === 'created') await books.pods.noteCreated(name, START_MS);
      await addTo(books, accountId, 'b', PRICE);
      await addTo(books, accountId, 'c', 2 * PRICE + 5);
      const racing = [...'abcabc'].map((letter) => books.ledger.present(setOf(letter), debitOf(), true));
      for (const one of await Promise.all(racing)) assert.equal(runsFor(one), 3 * HOUR_MS);
      assert.equal(await books.ledger.balanceOf(accountId), PRICE + 5, 'the rest is credit');
      const row = await books.pods.find(name);
      assert.deepEqual([row?.amount, row?.lastsMs, row?.expiresAtMs], [PRICE, HOUR_MS, START_MS + 3 * HOUR_MS]);
      assert.deepEqual(await books.pods.counts(), counted);
      const last = debitOf({ nowMs: START_MS + 3 * HOUR_MS - 1 });
      assert.equal((await podOf(books, accountId, last))?.name, name);
    });
  }

  guarantee('an extended pod that cannot be made is given back with its extensions', async (books) => {
    const { name } = await buy(books, 'a');
    await addTo(books, idOf('a'), 'b', PRICE + 5);
    await books.pods.giveBack(name, START_MS);
    assert.equal(await books.ledger.balanceOf(idOf('a')), 2 * PRICE + 5);
  });

  guarantee(
    'a token that was settled without its payer extends at the next request, by whatever way',
    async (books) => {
      const { name } = await buy(books, 'a');
      const accountId = idOf('a');
      await books.pods.noteCreated(name, START_MS);
      await prepare(books, 'b', { accountId });
      await books.ledger.settle(idOf('b'), 1, signatures, START_MS);
      const preview = await books.ledger.draw(accountId, debitOf(), false);
      assert.equal(preview.standing === 'debited' && preview.pod?.runsMs, HOUR_MS, 'a preview changes nothing');
      assert.equal((await podOf(books, accountId))?.runsMs, 2 * HOUR_MS);
      assert.equal((await podOf(books, accountId))?.runsMs, 2 * HOUR_MS);
    },
  );

  guarantee('a pod that is made while it is extended runs for both prices, and its purchase as long', async (books) => {
    for (const [bought, added] of ['ab', 'cd', 'ef'] as const) {
      const { name } = await buy(books, bought ?? '', { debit: debitOf({ pod: orderOf({ mostInAll: 9 }) }) });
      const accountId = idOf(bought ?? '');
      assert.equal(await prepare(books, added ?? '', { accountId }), 'leased');
      await Promise.all([settle(books, added ?? ''), books.pods.noteCreated(name, START_MS)]);
      const row = await books.pods.find(name);
      assert.deepEqual([row?.runsMs, row?.expiresAtMs], [2 * HOUR_MS, START_MS + 2 * HOUR_MS]);
      const { pod: _, ...plain } = debitOf();
      const time = await books.ledger.draw(accountId, plain, false);
      assert.equal(time.standing === 'debited' && time.runsUntilMs, START_MS + 2 * HOUR_MS);
    }
  });

  guarantee('a token that was sent for another rule extends nothing', async (books) => {
    await buy(books, 'a');
    const claims = setOf('b');
    await books.ledger.prepare(
      { ...newPayment(claims, { accountId: idOf('a') }), rule: 'other', wants: undefined },
      claims,
    );
    await books.ledger.settle(claims.paymentId, 1, signatures, START_MS);
    assert.equal((await podOf(books, idOf('a')))?.runsMs, HOUR_MS);
    assert.equal(await books.ledger.balanceOf(idOf('a')), PRICE);
  });

  guarantee('more than the longest life is refused before the token is written, racing or not', async (books) => {
    await buy(books, 'a');
    const accountId = idOf('a');
    const outcomes = await Promise.all([...'bcdef'].map((letter) => prepare(books, letter, { accountId })));
    assert.deepEqual(outcomes.map(why).sort(), ['leased', 'leased', 'leased', 'too_long', 'too_long']);
    assert.equal(
      await books.ledger.isKnown(setOf('bcdef'.charAt(outcomes.findIndex((one) => why(one) === 'too_long')))),
      false,
    );
    const longer = debitOf({ buys: { timeMs: 5 * HOUR_MS } });
    assert.equal(why(await prepare(books, 'x', { debit: longer })), 'too_long');
  });

  guarantee('of tokens that race for the last places, as many are written as there are places', async (books) => {
    const letters = [...'abcdefgh'];
    const outcomes = await Promise.all(letters.map((letter) => prepare(books, letter)));
    assert.deepEqual(outcomes.map(why).sort(), [...Array(5).fill('all_taken'), 'leased', 'leased', 'leased']);
    assert.deepEqual(await books.pods.counts(), { reserved: 3, wanted: 0, created: 0 });
    const won = letters.filter((_, index) => outcomes[index] === 'leased');
    const standings = await Promise.all(won.map((letter) => settle(books, letter)));
    assert.deepEqual(
      standings.map((one) => one?.standing),
      ['debited', 'debited', 'debited'],
    );
    assert.deepEqual(await books.pods.counts(), { reserved: 0, wanted: 3, created: 0 });
    const lost = letters.find((_, index) => outcomes[index] !== 'leased') ?? assert.fail();
    assert.equal(await books.ledger.isKnown(setOf(lost)), false, 'nothing is known of what was refused');
    const [first] = await books.pods.list({ alive: true, limit: 1 });
    await books.pods.end(first?.name ?? '', 'deleted', START_MS);
    assert.equal(await prepare(books, lost), 'leased', 'there is room again');
  });

  guarantee('a rejected payment frees its place, with the rejection', async (books) => {
    for (const letter of 'abc') await prepare(books, letter);
    assert.equal(why(await prepare(books, 'd')), 'all_taken');
    await books.ledger.reject(
      idOf('a'),
      'us',
      { code: 'payment_spent', detail: 'gone', untilMs: START_MS },
      false,
      START_MS,
    );
    assert.equal(await prepare(books, 'd'), 'leased');
    assert.equal(why(await prepare(books, 'a')), 'all_taken', 'a forgiven one needs a place as well');
  });

  guarantee('places of payers who never came back are freed, those of payments under way are not', async (books) => {
    for (const letter of 'ab') await prepare(books, letter);
    await books.ledger.settle(idOf('b'), 1, signatures, START_MS);
    assert.equal(await books.pods.releaseReserved(START_MS), 0);
    assert.equal(await books.pods.releaseReserved(START_MS + 1), 1);
    assert.deepEqual(await books.pods.counts(), { reserved: 1, wanted: 0, created: 0 });
    assert.equal((await podOf(books, idOf('b')))?.paymentId, idOf('b'), 'whoever comes after that needs room');
  });

  guarantee('a payer has no more pods than the rules let one have', async (books) => {
    await buy(books, 'a', { credit: 100 });
    const accountId = idOf('a');
    const dearer = debitOf({ rule: 'premium@50', amount: 50 });
    assert.deepEqual(await books.ledger.draw(accountId, dearer, true), {
      standing: 'no_pod',
      why: 'own_taken',
      balance: 90,
    });
    assert.equal(why(await prepare(books, 'b', { accountId, debit: dearer })), 'own_taken');
    const two = { ...dearer, pod: orderOf({ mostOfAccount: 2 }) };
    const racing = await Promise.all([
      podOf(books, accountId, two),
      podOf(books, accountId, { ...two, rule: 'premium@60' }),
    ]);
    assert.equal(racing.filter(Boolean).length, 1);
    const { name } = racing.find(Boolean) ?? assert.fail();
    await books.pods.noteCreated(name, START_MS);
    const third = await books.ledger.draw(accountId, { ...two, rule: 'other', amount: 1 }, true);
    assert.deepEqual(third, { standing: 'no_pod', why: 'own_taken', freeAtMs: START_MS + HOUR_MS, balance: 40 });
  });

  guarantee('where none can be started, nothing is written, but what runs runs and is extended', async (books) => {
    await buy(books, 'a', { credit: 100 });
    const accountId = idOf('a');
    const stopped = debitOf({ pod: orderOf({ canStart: false }) });
    assert.equal(why(await prepare(books, 'b', { debit: stopped })), 'cannot_start');
    assert.equal(await books.ledger.isKnown(setOf('b')), false);
    assert.equal(
      why(
        await books.ledger.draw(
          accountId,
          { ...stopped, rule: 'other', pod: orderOf({ canStart: false, mostOfAccount: 9 }) },
          true,
        ),
      ),
      'cannot_start',
    );
    assert.equal(await prepare(books, 'c', { accountId, debit: stopped }), 'leased');
    const extended = await settle(books, 'c', stopped);
    assert.equal(extended?.standing === 'debited' && extended.pod?.runsMs, 2 * HOUR_MS);
    await prepare(books, 'd');
    assert.equal((await settle(books, 'd', stopped))?.standing, 'debited', 'what was let in before is written down');
  });

  guarantee('time that was bought before the rule started pods runs on without one', async (books) => {
    const { pod: _, ...plain } = debitOf();
    await prepare(books, 'a', { credit: 30, debit: plain });
    await settle(books, 'a', plain);
    const standing = await books.ledger.draw(idOf('a'), debitOf(), true);
    assert.deepEqual(standing, {
      standing: 'debited',
      paymentId: idOf('a'),
      balance: 20,
      runsUntilMs: START_MS + HOUR_MS,
    });
  });

  guarantee('a deposit keeps a place for the pod that its session buys', async (books) => {
    await prepare(books, 'a');
    const deposited = await settle(books, 'a', debitOf(), false);
    assert.equal(deposited?.standing === 'debited' && deposited.pod, undefined);
    for (const letter of 'bc') await prepare(books, letter);
    assert.equal(why(await prepare(books, 'd')), 'all_taken');
    assert.ok(await podOf(books, idOf('a')));
  });

  guarantee('a payment that is accepted without asking its mint is so only where there is room', async (books) => {
    const accept = (letters: string) => {
      const claims = setOf(letters);
      const swap = { fee: 0, credit: PRICE, body: 'body', outputs: '[]' };
      const payment = { ...paymentOf(claims, { createdAtMs: START_MS }), amount: PRICE, swap };
      const offer = { idHash: letters, salt: 'salt', expiresAtMs: START_MS + HOUR_MS };
      return books.deferred.accept({ payment, claims, proofs: 1, cap: 1_000 }, debitOf(), true, offer);
    };
    const accepted = await Promise.all([...'abcde'].map(accept));
    const standings = accepted.map((one) => one?.standing);
    assert.deepEqual(standings.map((one) => why(one?.standing === 'debited' ? 'debited' : one)).sort(), [
      ...['all_taken', 'all_taken'],
      ...['debited', 'debited', 'debited'],
    ]);
    assert.deepEqual(await books.pods.counts(), { reserved: 0, wanted: 3, created: 0 });
    const lost = 'abcde'.charAt(standings.findIndex((one) => one?.standing === 'no_pod'));
    assert.equal(await books.ledger.isKnown(setOf(lost)), false);
  });

  guarantee('nothing is refunded while the price of a pod may come back', async (books) => {
    const { name } = await buy(books, 'a', { credit: 100 });
    const proof = { id: 'p', keysetId: '00', amount: 128, secret: 's', C: '02', state: 'unspent' } as const;
    const payment = { paymentId: idOf('a'), mint: 'https://mint.example', unit: 'sat' };
    await books.proofs.collect([{ payment, proofs: [proof] }], START_MS);
    const ask = () =>
      books.refunds.request({
        id: 'ref',
        asker: { paymentId: idOf('a') },
        least: 1,
        nowMs: START_MS,
        shownSinceMs: START_MS,
      });
    assert.equal((await ask()).refund, 'in-use');
    await books.pods.giveBack(name, START_MS);
    const standing = await ask();
    assert.equal(standing.refund === 'due' && standing.due.amount, 100);
    assert.equal((await books.ledger.draw(idOf('a'), debitOf(), true)).standing, 'exhausted');
  });

  guarantee(
    'extension, creation, deletion and give-back that race leave one end, and every sat in one place',
    async (books) => {
      const { name } = await buy(books, 'a', { credit: 50 });
      const accountId = idOf('a');
      await prepare(books, 'b', { accountId });
      const outcomes = await Promise.all([
        books.pods.giveBack(name, START_MS),
        settle(books, 'b'),
        books.pods.end(name, 'deleted', START_MS),
        books.pods.noteCreated(name, START_MS),
        books.pods.giveBack(name, START_MS),
        podOf(books, accountId),
      ]);
      const row = await books.pods.find(name);
      const ends = [outcomes[0], outcomes[2], outcomes[4]].filter(Boolean);
      assert.equal(ends.length, row?.ending === undefined ? 0 : 1);
      const alive = await books.pods.list({ alive: true, limit: 9 });
      const balance = await books.ledger.balanceOf(accountId);
      const ended = await books.pods.list({ alive: false, limit: 9 });
      const kept = ended.filter(({ ending }) => ending !== 'given_back');
      const hours = (pod: PaidPod) => Math.round(pod.runsMs / HOUR_MS);
      const spent = kept.reduce((sum, pod) => sum + hours(pod) * PRICE, 0);
      assert.equal(balance + spent, 60);
      assert.ok(alive.length <= 1);
    },
  );

  guarantee('pods are listed by pages, and forgotten some time after they ended', async (books) => {
    const names: string[] = [];
    for (const letter of 'abc') names.push((await buy(books, letter)).name);
    names.sort();
    const [first = '', second = '', third = ''] = names;
    const page = await books.pods.list({ alive: false, after: first, limit: 1 });
    assert.deepEqual(
      page.map(({ name: found }) => found),
      [second],
    );
    await books.pods.end(third, 'deleted', START_MS + 5);
    assert.deepEqual(
      (await books.pods.list({ alive: true, limit: 9 })).map((pod) => pod.name),
      [first, second],
    );
    assert.equal(await books.pods.forget(START_MS + 5, 9), false);
    assert.ok(await books.pods.find(third));
    assert.equal(await books.pods.forget(START_MS + 6, 1), true);
    assert.equal(await books.pods.find(third), undefined);
  });
};
