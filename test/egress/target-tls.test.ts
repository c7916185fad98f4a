import assert from 'node:assert/strict';
import { lookup } from 'node:dns';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { assembleUpstream } from '../../src/assemble/upstream.ts';
import { load } from '../../src/config/harness.test.ts';
import type { Upstream, UpstreamFault } from '../../src/egress/upstream.ts';
import { startRecordingTarget } from '../peers/recording-target.ts';
import { createAuthority } from '../servers/certificates.ts';
import { until } from '../servers/until.ts';
import { createWorkdir } from '../servers/workdir.ts';

const owner = { after };
const zone = createAuthority(owner);
const strangers = createAuthority(owner);
const { path: directory } = createWorkdir('target-tls', owner);

type Answer = Readonly<{ status: number; body: string } | { fault: UpstreamFault }>;

const ask = (upstream: Upstream, path = '/'): Promise<Answer> =>
  new Promise((resolve) => {
    let status = 0;
    let body = '';
    const call = { method: 'GET', path, headers: [], body: undefined, bodyLength: undefined, timeoutMs: 5_000 };
    upstream.send(call, {
      head: (received) => {
        status = received;
      },
      data: (chunk) => {
        body += String(chunk);
      },
      end: () => resolve({ status, body }),
      fail: (fault) => resolve({ fault }),
    });
  });

const open = (url: string, tls: string, kept: unknown[] = []): Upstream => {
  const { config } = load(`egress: { targets: { a: { url: "${url}", allow_private: true, tls: { ${tls} } } } }`);
  const target = config.egress?.targets['a'];
  assert.ok(target);
  const onKept = (error: unknown) => kept.push(error);
  const upstream = assembleUpstream(target, {
    key: 'egress.targets.a.tls',
    origin: url,
    lookup,
    onKept,
    lookEveryMs: 5,
  });
  after(() => upstream.destroy());
  return upstream;
};

const wrong = zone.issue('wrong', undefined, { host: 'DNS:other.example' });
const expired = zone.issue('expired', undefined, { isExpired: true });
const stranger = strangers.issue('stranger');
const good = zone.issue('good');

const targets: readonly (readonly [what: string, pair: typeof good, tls: string, cause: RegExp | undefined])[] = [
  ['whose certificate is of the authority', good, `ca_cert: ${zone.ca}`, undefined],
  ['by the name that is configured', wrong, `ca_cert: ${zone.ca}, server_name: other.example`, undefined],
  ['whose certificate is for another name', wrong, `ca_cert: ${zone.ca}`, /does not match|not in the cert/],
  [
    'whose name is not the configured one',
    good,
    `ca_cert: ${zone.ca}, server_name: b.example`,
    /does not match|not in/,
  ],
  ['whose certificate is expired', expired, `ca_cert: ${zone.ca}`, /expired/],
  ['of an unknown authority', stranger, `ca_cert: ${zone.ca}`, /unable to (?:verify|get)|self.signed/],
  ['that the public authorities do not know', good, '', /unable to (?:verify|get)|self.signed/],
];

for (const [what, pair, tls, cause] of targets)
  test(`a target ${what} is ${cause ? 'not called' : 'called'}`, async (t) => {
    const target = await startRecordingTarget({ owner: t, tls: pair });
    const answer = await ask(open(target.url, tls));
    if (!cause) {
      assert.deepEqual(answer, { status: 200, body: 'ok' });
      return;
    }
    assert.ok('fault' in answer);
    assert.deepEqual([answer.fault.failure, answer.fault.sent, target.calls.length], ['unreachable', false, 0]);
    assert.match(answer.fault.message, cause);
  });

test('no environment variable turns verification off', async (t) => {
  const target = await startRecordingTarget({ owner: t, tls: stranger });
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  t.after(() => delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']);
  assert.ok('fault' in (await ask(open(target.url, `ca_cert: ${zone.ca}`))));
});

test('certificates are renewed under load: no call is lost, bad ones are told of and not used', async (t) => {
  const target = await startRecordingTarget({ owner: t, tls: good, clientCa: zone.ca });
  const [cert, key] = [join(directory, 'client.pem'), join(directory, 'client.key')];
  const use = (pair: typeof good) => {
    copyFileSync(pair.cert, cert);
    copyFileSync(pair.key, key);
  };
  use(zone.issue('orders-1'));
  const kept: unknown[] = [];
  const upstream = open(target.url, `ca_cert: ${zone.ca}, client_cert: ${cert}, client_key: ${key}`, kept);

  const held: (() => void)[] = [];
  target.behave((_request, response) => void held.push(() => response.end('late')));
  const early = ask(upstream, '/early');
  await until('a call is under way', () => held.length === 1);
  target.behave();

  const answers: Answer[] = [];
  let isOver = false;
  const load = Promise.all(
    [1, 2, 3].map(async () => {
      while (!isOver) answers.push(await ask(upstream));
    }),
  );
  const seen = (name: string) => target.calls.some(({ client }) => client === name);
  await until('the first certificate is shown', () => seen('orders-1'));

  writeFileSync(cert, 'no certificate');
  await until('what cannot be used is told of', () => kept.length === 1);
  const callsThen = target.calls.length;
  await until('calls go on', () => target.calls.length > callsThen + 10);
  assert.equal(target.calls.at(-1)?.client, 'orders-1');

  use(zone.issue('orders-2'));
  await until('the new certificate is shown', () => seen('orders-2'));
  isOver = true;
  await load;
  assert.deepEqual(
    answers.filter((answer) => !('status' in answer)),
    [],
  );
  held[0]?.();
  assert.deepEqual(await early, { status: 200, body: 'late' }, 'what began before ends on what it began on');
  await ask(upstream, '/last');
  assert.equal(target.calls.at(-1)?.client, 'orders-2');
});

test('a target that renews its own certificate is called on, on kept connections and on new ones', async (t) => {
  const first = await startRecordingTarget({ owner: t, tls: good });
  const upstream = open(first.url, `ca_cert: ${zone.ca}`);
  assert.ok('status' in (await ask(upstream)));
  await first.stop();
  const second = await startRecordingTarget({ owner: t, tls: zone.issue('renewed'), port: first.port });
  assert.ok('status' in (await ask(upstream)));
  assert.equal(second.calls.length, 1);
});

/** One authority whole, and a second that is still being written: OpenSSL would take the first for all of it. */
const half = join(directory, 'half.pem');
writeFileSync(half, readFileSync(zone.ca, 'utf8') + readFileSync(strangers.ca, 'utf8').slice(0, 200));

test('authorities that are half written while we run are told of, and those of before stay', async (t) => {
  const target = await startRecordingTarget({ owner: t, tls: good });
  const ca = join(directory, 'ca.pem');
  copyFileSync(zone.ca, ca);
  const kept: unknown[] = [];
  const upstream = open(target.url, `ca_cert: ${ca}`, kept);
  copyFileSync(half, ca);
  await until('it is told of', () => kept.length === 1);
  assert.match(String(kept[0]), /ca.pem: cut off in the middle/);
  assert.deepEqual(await ask(upstream), { status: 200, body: 'ok' });
});

const unusable: readonly (readonly [what: string, tls: string, message: RegExp])[] = [
  ['that is not there', 'ca_cert: /nowhere/ca.pem', /^Error: egress.targets.a.tls: .*nowhere/],
  ['without a certificate in it', `ca_cert: ${good.key}`, /^Error: egress.targets.a.tls: .*key: no certificate in it/],
  ['of authorities that is half written', `ca_cert: ${half}`, /^Error: egress.targets.a.tls: .*half.pem: cut off/],
  ['that is half a certificate', `client_cert: ${half}, client_key: ${good.key}`, /half.pem: cut off/],
  [
    'whose key is of another',
    `client_cert: ${good.cert}, client_key: ${wrong.key}`,
    /^Error: egress.targets.a.tls: .*not the key of the certificate/,
  ],
];

for (const [what, tls, message] of unusable)
  test(`a file ${what} is an error at the start`, () => assert.throws(() => open('https://a.example', tls), message));
