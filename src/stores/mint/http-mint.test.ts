import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { answering, droppedBefore, hold, hugeBody, redirected } from '../../../test/peers/faults.ts';
import { startMint } from '../../../test/peers/mint.ts';
import { describingKeysets } from '../../../test/peers/mint-faults.ts';
import { activeKeyset } from '../../../test/peers/purse.ts';
import { until } from '../../../test/servers/until.ts';
import { createOutbound } from '../outbound/exchange.ts';
import { createMintDirectory } from './directory.ts';
import { createHttpMint } from './http-mint.ts';

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

const meet = async (t: TestContext, options: Parameters<typeof startMint>[0] = {}) => {
  const peer = await startMint({ owner: t, ...options });
  const outbound = createOutbound();
  t.after(outbound.close);
  const clock = { nowMs: 0 };
  const refused: string[] = [];
  const onWrongKeys = (url: string, keysetId: string) => refused.push(`${url} ${keysetId}`);
  const shared = { timeoutMs: 1_000, outbound, now: () => clock.nowMs, onWrongKeys };
  const mint = createHttpMint({ ...shared, url: peer.url, units: ['sat'] });
  t.after(mint.close);
  return { peer, mint, clock, shared, refused };
};

test('at the start the keysets are looked up, and the keys that will be needed', async (t) => {
  const { peer, mint } = await meet(t);
  assert.deepEqual(mint.keysets(), []);
  await mint.start();
  const { id } = activeKeyset(peer.mint);
  assert.deepEqual(mint.keysets(), [{ id, unit: 'sat', active: true, inputFeePpk: 0 }]);
  assert.equal((await mint.activeKeys('sat')).id, id);
  assert.equal(peer.faults.seen('/v1/keys/*'), 1);
  assert.deepEqual(mint.status(), { reachable: true, lastError: undefined });
});

for (const [title, fault] of [
  ['cuts the connection', droppedBefore],
  ['answers 500', answering(500)],
  ['answers no JSON', answering(200, '<html>')],
  ['answers without end', hugeBody()],
  ['answers in JSON that is nested without end', answering(200, `{"keysets":${nested(400_000)}}`)],
  ['sends us elsewhere', redirected('http://127.0.0.1:1/')],
  ['answers too late', hold().fault],
] as const) {
  test(`a mint that ${title} is not reachable, says why, and is when it behaves`, async (t) => {
    const { peer, mint, clock } = await meet(t);
    peer.faults.set('*', fault);
    await mint.start();
    assert.equal(mint.status().reachable, false);
    assert.ok(mint.status().lastError);
    await assert.rejects(mint.activeKeys('sat'), /cannot be reached/);
    await assert.rejects(mint.refreshKeysets(5_000), /cannot be reached/);
    peer.faults.clear();
    const before = peer.faults.seen('/v1/keysets');
    await assert.rejects(mint.refreshKeysets(5_000), /cannot be reached/, 'it was looked up a moment ago');
    assert.equal(peer.faults.seen('/v1/keysets'), before);
    clock.nowMs += 5_000;
    await mint.refreshKeysets(5_000);
    assert.equal(mint.status().reachable, true);
  });
}

test('many who look at the same moment share one look', async (t) => {
  const { peer, mint } = await meet(t);
  const slow = hold();
  peer.faults.set('/v1/keysets', slow.fault);
  const looks = Array.from({ length: 20 }, () => mint.refreshKeysets(0));
  await until('the mint is asked', () => slow.waiting() > 0);
  slow.release();
  await Promise.all(looks);
  assert.equal(peer.faults.seen('/v1/keysets'), 1);
});

test('what is known of a mint outlives its outage; that it cannot be asked now is told', async (t) => {
  const { peer, mint } = await meet(t);
  await mint.start();
  await peer.outage();
  await assert.rejects(mint.refreshKeysets(0), /cannot be reached/);
  assert.equal(mint.keysets().length, 1);
  assert.equal((await mint.activeKeys('sat')).id, activeKeyset(peer.mint).id);
});

test('new proofs are of an active keyset, the cheapest of the unit', async (t) => {
  const { peer, mint } = await meet(t, { keysets: [{ inputFeePpk: 100 }, { unit: 'usd' }] });
  const dear = activeKeyset(peer.mint);
  peer.mint.rotate({ inputFeePpk: 5 });
  await mint.refreshKeysets(0);
  assert.equal((await mint.activeKeys('sat')).id, activeKeyset(peer.mint).id);
  assert.notEqual(activeKeyset(peer.mint).id, dear.id);
  await assert.rejects(mint.activeKeys('eur'), /no active keyset in eur/);
});

test('keys that could not be fetched are asked for again', async (t) => {
  const { peer, mint } = await meet(t);
  await mint.refreshKeysets(0);
  peer.faults.set('/v1/keys/*', answering(500), { times: 1 });
  await assert.rejects(mint.activeKeys('sat'), /500/);
  assert.equal((await mint.activeKeys('sat')).id, activeKeyset(peer.mint).id);
});

for (const idVersion of [0, 1] as const) {
  test(`keys that do not fit an id of version ${idVersion + 1} are refused, told once, and asked for again later`, async (t) => {
    const { peer, mint, clock, refused } = await meet(t, { keysets: [{ idVersion }] });
    const { id, publicKeys } = activeKeyset(peer.mint);
    const keys = { ...publicKeys, '1': publicKeys['2'] };
    peer.faults.set(
      '/v1/keys/*',
      describingKeysets((keyset) => ({ ...keyset, keys })),
    );
    await mint.start();
    for (let tries = 0; tries < 20; tries++) await assert.rejects(mint.activeKeys('sat'), /do not fit the id/);
    assert.equal(peer.faults.seen('/v1/keys/*'), 1);
    assert.deepEqual(refused, [`${peer.url} ${id}`]);
    assert.match(mint.status().lastError ?? '', /do not fit the id/);
    clock.nowMs += 60_000;
    await assert.rejects(mint.keys(id), /do not fit the id/);
    assert.equal(refused.length, 1);
    peer.faults.clear();
    clock.nowMs += 60_000;
    assert.deepEqual((await mint.keys(id)).keys, publicKeys);
    assert.equal(mint.status().lastError, undefined);
  });
}

test('a mint that lists another unit or fee than the id speaks for gives no keys', async (t) => {
  for (const change of [{ unit: 'usd' }, { input_fee_ppk: 1_000 }, { final_expiry: 4_000_000_000 }]) {
    const { peer, mint } = await meet(t, { keysets: [{ inputFeePpk: 100 }] });
    peer.faults.set(
      '*',
      describingKeysets((keyset) => ({ ...keyset, ...change })),
    );
    await mint.start();
    await assert.rejects(mint.keys(activeKeyset(peer.mint).id), /do not fit the id/);
  }
});

test('a directory gives the mints it was told of, by one spelling, and no other', async (t) => {
  const { peer, shared } = await meet(t);
  const directory = createMintDirectory({ ...shared, mints: [{ url: peer.url, units: ['sat'] }], anyMint: undefined });
  t.after(directory.close);
  await directory.start();
  assert.equal(directory.find(peer.url)?.keysets().length, 1);
  for (const url of ['', `${peer.url}/`, `${peer.url}/v1`, 'http://127.0.0.1:1', 'https://mint.example']) {
    assert.equal(directory.find(url), undefined);
  }
});

test('where any mint is taken, a stranger is met once, at a web address alone', async (t) => {
  const { peer, shared } = await meet(t);
  const directory = createMintDirectory({ ...shared, mints: [], anyMint: ['sat'] });
  t.after(directory.close);
  assert.equal(directory.find(peer.url), directory.find(peer.url));
  for (const url of ['', 'ftp://mint.example', 'file:///etc/passwd']) assert.equal(directory.find(url), undefined);
  assert.equal(peer.faults.seen('*'), 0, 'to know of a mint is not to ask it');
});
