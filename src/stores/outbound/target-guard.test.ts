import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import { test } from 'node:test';
import { type Dispatcher, Pool } from 'undici';
import { json, listen } from '../../../test/peers/loopback.ts';
import { ForbiddenAddress, type Resolve } from './address-guard.ts';
import { guardTarget, refusedFor } from './target-guard.ts';

const v4 = (address: string): LookupAddress => ({ address, family: 4 });

/** Each look-up has the next answer. */
const answering =
  (...answers: LookupAddress[][]): Resolve =>
  (_name, _options, answer) =>
    answer(null, answers.shift() ?? []);

const ask = (pool: Dispatcher): Promise<number> =>
  pool.request({ path: '/', method: 'GET', headers: { connection: 'close' } }).then(async ({ statusCode, body }) => {
    await body.dump();
    return statusCode;
  });

const isForbidden = (error: unknown): boolean => error instanceof ForbiddenAddress;

test('private addresses are for targets that may have them, metadata addresses for none', () => {
  const cases = [
    ['8.8.8.8', false, false],
    ['10.0.0.1', true, false],
    ['::1', true, false],
    ['::ffff:127.0.0.1', true, false],
    ['169.254.169.254', true, true],
    ['64:ff9b::a9fe:a9fe', true, true],
    ['ff02::1', true, true],
  ] as const;
  for (const [address, refused, refusedAlways] of cases) {
    assert.equal(refusedFor(false)(address), refused, address);
    assert.equal(refusedFor(true)(address), refusedAlways, address);
  }
});

test('a URL that names such an address itself is refused before anything connects', () => {
  for (const url of [
    'http://127.0.0.1:1',
    'https://[::1]/',
    'http://0x7f.1',
    'http://2130706433/',
    'http://[::ffff:a00:1]',
  ])
    assert.throws(() => guardTarget(new URL(url), false), isForbidden, url);
  for (const url of ['http://169.254.169.254', 'http://[fe80::1]', 'http://[64:ff9b::a9fe:a9fe]'])
    assert.throws(() => guardTarget(new URL(url), true), isForbidden, url);
  guardTarget(new URL('http://127.0.0.1:1'), true);
  guardTarget(new URL('https://8.8.8.8'), false);
});

test('a pool of undici connects to what was looked at, and a name that changes its mind is refused then', async (t) => {
  const server = await listen(() => json(200, {}), t);
  const url = new URL(`http://rebinding.example:${server.port}`);
  const lookup = guardTarget(url, true, answering([v4('127.0.0.1')], [v4('169.254.169.254')]));
  const pool = new Pool(url.origin, { connect: { lookup } });
  t.after(() => pool.destroy());
  assert.equal(await ask(pool), 200);
  await assert.rejects(ask(pool), isForbidden);
});

test('one private answer among public ones is enough to refuse a target that may have none', async (t) => {
  const url = new URL('http://mixed.example:9');
  for (const answers of [[v4('127.0.0.1')], [v4('192.0.2.1'), v4('10.0.0.1')], [{ address: '::1', family: 6 }]]) {
    const pool = new Pool(url.origin, { connect: { lookup: guardTarget(url, false, answering(answers)) } });
    t.after(() => pool.destroy());
    await assert.rejects(ask(pool), isForbidden);
  }
});
