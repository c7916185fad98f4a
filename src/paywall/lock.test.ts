import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OutputData, type P2PKOptions } from '@cashu/cashu-ts';
import { readLock } from './lock.ts';

const x = 'ab'.repeat(32);
const ours = `02${x}`;
const theirs = `02${'cd'.repeat(32)}`;
const forEver = { untilMs: Number.POSITIVE_INFINITY };

const secretOf = (data: unknown, kind: unknown = 'P2PK') => JSON.stringify([kind, data]);
const lockedTo = (data: string, tags?: unknown) =>
  secretOf({ nonce: 'n1', data, ...(tags === undefined ? {} : { tags }) });
const tagged = (...tags: unknown[]) => lockedTo(ours, tags);
const byCashuTs = (options: P2PKOptions) =>
  new TextDecoder().decode(OutputData.createSingleP2PKData(options, 1, '00').secret);

const time = ['locktime', '2000000000'];
const inTime = { untilMs: 2_000_000_000_000 };

// biome-ignore format: a table is read by its columns
const table: readonly (readonly [title: string, secret: string, expected: ReturnType<typeof readLock>])[] = [
  ['random text', 'a1'.repeat(32), 'none'],
  ['a list of numbers', '[1,2]', 'none'],
  ['JSON that breaks off', '["P2PK",{"nonce"', 'none'],
  ['our key', lockedTo(ours), forEver],
  ['our key, as cashu-ts writes it', byCashuTs({ pubkey: ours }), forEver],
  ['our key, with a refund, as cashu-ts writes it', byCashuTs({ pubkey: ours, locktime: 2_000_000_000, refundKeys: [theirs] }), inTime],
  ['our key, spaced as Python does', `["P2PK", {"nonce": "n1", "data": "${ours}", "tags": [["sigflag", "SIG_INPUTS"], ["n_sigs", "1"]]}]`, forEver],
  ['our key, its point on the other side', lockedTo(`03${x}`), forEver],
  ['no tags', tagged(), forEver],
  ['a time', tagged(time), inTime],
  ['a time and keys to refund to', tagged(time, ['refund', theirs, ours], ['n_sigs_refund', '2']), inTime],
  ['another key', lockedTo(theirs), 'foreign'],
  ['our key in capitals', lockedTo(ours.toUpperCase()), 'foreign'],
  ['our x alone', lockedTo(x), 'foreign'],
  ['a hash', secretOf({ nonce: 'n1', data: ours }, 'HTLC'), 'foreign'],
  ['a kind nobody knows', secretOf({ nonce: 'n1', data: ours }, 'P2BK'), 'foreign'],
  ['a kind in small letters', secretOf({ nonce: 'n1', data: ours }, 'p2pk'), 'foreign'],
  ['a kind alone', '["P2PK"]', 'foreign'],
  ['three members', `["P2PK",{"nonce":"n1","data":"${ours}"},1]`, 'foreign'],
  ['no nonce', secretOf({ data: ours }), 'foreign'],
  ['a nonce that is a number', secretOf({ nonce: 1, data: ours }), 'foreign'],
  ['no key', secretOf({ nonce: 'n1' }), 'foreign'],
  ['a member nobody knows', secretOf({ nonce: 'n1', data: ours, more: 1 }), 'foreign'],
  ['a member that is there twice', `["P2PK",{"nonce":"n1","data":"${theirs}","data":"${ours}"}]`, 'foreign'],
  ['tags that are there twice', `["P2PK",{"nonce":"n1","data":"${ours}","tags":[["n_sigs","2"]],"tags":[]}]`, 'foreign'],
  ['a prototype', `["P2PK",{"nonce":"n1","data":"${ours}","__proto__":{}}]`, 'foreign'],
  ['escapes', `["P2PK",{"nonce":"n\\u0031","data":"${ours}"}]`, 'foreign'],
  ['tags that are null', lockedTo(ours, null), 'foreign'],
  ['tags that are no list', lockedTo(ours, { n_sigs: '1' }), 'foreign'],
  ['a tag that is no list', tagged('n_sigs'), 'foreign'],
  ['a tag without a value', tagged(['n_sigs']), 'foreign'],
  ['a tag with a number', tagged(['locktime', 2_000_000_000]), 'foreign'],
  ['one tag twice', tagged(time, time), 'foreign'],
  ['SIG_ALL', tagged(['sigflag', 'SIG_ALL']), 'foreign'],
  ['both flags', tagged(['sigflag', 'SIG_INPUTS', 'SIG_ALL']), 'foreign'],
  ['two signatures', tagged(['n_sigs', '2']), 'foreign'],
  ['further keys', tagged(['pubkeys', theirs]), 'foreign'],
  ['our key as a further one', lockedTo(theirs, [['pubkeys', ours]]), 'foreign'],
  ['our key to refund to', lockedTo(theirs, [time, ['refund', ours]]), 'foreign'],
  ['a refund at any time', tagged(['refund', theirs]), 'foreign'],
  ['a refund to no key', tagged(time, ['refund', 'x']), 'foreign'],
  ['a number of signatures for no refund', tagged(time, ['n_sigs_refund', '1']), 'foreign'],
  ['a time that is no number', tagged(['locktime', '2e9']), 'foreign'],
  ['a time before all times', tagged(['locktime', '-1']), 'foreign'],
  ['two times', tagged(['locktime', '1', '2']), 'foreign'],
  ['a tag nobody knows', tagged(['expires', '1']), 'foreign'],
  ['a tag that every object has', tagged(['constructor', '1']), 'foreign'],
];

for (const [title, secret, expected] of table) {
  test(`a secret that is ${title}: ${typeof expected === 'string' ? expected : 'ours'}`, () => {
    assert.deepEqual(readLock(secret, ours), expected);
    if (typeof expected !== 'string') assert.equal(readLock(secret, undefined), 'foreign', 'without a key of ours');
  });
}
