/** What a client says about itself, or about its own request, counts for nothing, through every proxy. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { valuesOf } from '../peers/echo-app.ts';
import { type HeaderList, request } from '../servers/request.ts';
import { until } from '../servers/until.ts';
import { openHouse, prices } from './house.ts';
import { type Front, lineUp } from './line-up.ts';

const house = await openHouse({ after });
const { key, id } = await house.gate.createKey();

const own: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '/free/1': { 'x-auth-method': 'anonymous' },
  '/orders/1': { 'x-auth-method': 'api_key', 'x-user-id': 'user123', 'x-api-key-id': id },
};

type Pairs = [string, string][];

const spellings: Readonly<Record<string, (name: string) => Pairs>> = {
  'as we spell them': (name) => [[name, 'spoofed']],
  'in capitals': (name) => [[name.toUpperCase(), 'spoofed']],
  'in mixed case': (name) => [[name.replace(/[a-z]/g, (c, at) => (at % 2 ? c.toUpperCase() : c)), 'spoofed']],
  twice: (name) => [
    [name, 'spoofed'],
    [name.toUpperCase(), 'spoofed, spoofed'],
  ],
  'with nothing in them': (name) => [[name, '']],
  'with "_" for "-"': (name) => [[name.replaceAll('-', '_'), 'spoofed']],
  'with "_" for the last "-"': (name) => [[name.replace(/-([^-]*)$/, '_$1'), 'spoofed']],
  'both ways at once': (name) => [
    [name.replaceAll('-', '_').toUpperCase(), 'spoofed'],
    [name, 'spoofed'],
  ],
};

/** Asks, and gives what the application learnt of the caller; undefined where the request did not reach it. */
async function learnt(front: Front, path: string, headers: HeaderList) {
  const seen = house.app.seen();
  const { status } = await request(front.url, path, { headers });
  if (house.app.seen() === seen) return { status, identity: undefined };
  const echo = house.app.latest();
  assert.ok(echo);
  const spoofed = echo.rawHeaders.filter((value) => value.includes('spoofed'));
  assert.deepEqual(spoofed, [], 'what the client said reached the application');
  const told = house.managed.map((name) => [name, valuesOf(echo, name).join()] as const);
  return { status, identity: Object.fromEntries(told.filter(([, value]) => value !== '')) };
}

/** Headers by which one proxy or another describes a request or an answer. */
const claims: readonly (readonly [string, string])[] = [
  ...['/free/1', '/free/1?x=/orders/1', 'http://127.0.0.1/free/1'].flatMap((value) =>
    [
      'X-Forwarded-Uri',
      'X-Forwarded-URL',
      'X-Original-URL',
      'X-Original-URI',
      'X-Rewrite-URL',
      'X-Envoy-Original-Path',
    ].map((name) => [name, value] as const),
  ),
  ['X-Forwarded-Prefix', '/free'],
  ['X-Forwarded-Host', 'open.example.com'],
  ['X-Original-Host', 'open.example.com'],
  ['Forwarded', 'host=open.example.com;proto=https;for=127.0.0.1'],
  ['X-Auth-Status', '200'],
  ['X-Code', '200'],
  ['X-Code', '403'],
  ['X-Code', '404'],
  ['X-Sent-From', 'nginx-ingress-controller'],
  ['X-Forwarded-For', '127.0.0.1'],
  ['X-Real-IP', '127.0.0.1'],
  ['X-Envoy-Auth-Headers-To-Remove', 'authorization'],
  ['X-Envoy-Internal', 'true'],
  ['User-Agent', 'kube-probe/1.33'],
];

/** Where GET is open and POST is not. */
const methods: readonly (readonly [string, string])[] = [
  ['X-Forwarded-Method', 'GET'],
  ['X-Original-Method', 'GET'],
  ['X-Auth-Request-Method', 'GET'],
];

for (const proxy of lineUp) {
  test(proxy.name, { skip: proxy.skip }, async (t) => {
    const front = await proxy.start(house.ports, t);

    for (const [how, spell] of Object.entries(spellings)) {
      for (const [path, identity] of Object.entries(own)) {
        await t.test(`our headers, ${how}, on ${path}`, async () => {
          const credential: Pairs = path === '/orders/1' ? [['X-API-Key', key]] : [];
          const answer = await learnt(front, path, [...credential, ...house.managed.flatMap(spell)]);
          const mayBeRefused = how.includes('_') || how.includes('both');
          if (!mayBeRefused) assert.equal(answer.status, 200);
          if (answer.identity) assert.deepEqual(answer.identity, identity);
          else assert.equal(answer.status, 400);
        });
      }
    }

    for (const connection of ['close, ', 'keep-alive, ', '', 'Upgrade, ']) {
      for (const [path, identity] of Object.entries(own)) {
        await t.test(`"Connection: ${connection}X-User-ID, …" on ${path} takes nothing off`, async () => {
          // Envoy refuses more than ten names in one request.
          const half = Math.ceil(house.managed.length / 2);
          for (const named of [house.managed.slice(0, half), house.managed.slice(half)]) {
            const headers = { Connection: `${connection}${named.join(', ')}`, 'X-API-Key': key };
            assert.deepEqual(await learnt(front, path, headers), { status: 200, identity });
          }
        });
      }
    }

    await t.test('a credential that is named in Connection is no way to be somebody else', async () => {
      const headers = { Connection: 'Authorization, X-Auth-Method', Authorization: `Bearer ${key}` };
      const { identity } = await learnt(front, '/orders/1', headers);
      if (identity) assert.deepEqual(identity, own['/orders/1']);
    });

    for (const [name, value] of claims) {
      await t.test(`"${name}: ${value}" opens nothing`, async () => {
        for (const spelling of [name, name.toLowerCase(), name.replaceAll('-', '_')]) {
          const { identity } = await learnt(front, '/orders/1', { [spelling]: value });
          assert.equal(identity, undefined, 'it reached the application');
        }
      });
    }

    for (const [name, value] of methods) {
      await t.test(`"${name}: ${value}" makes no GET of a POST`, async () => {
        const seen = house.app.seen();
        await request(front.url, '/read/1', { method: 'POST', headers: { [name]: value } });
        assert.equal(house.app.seen(), seen);
      });
    }

    await t.test('money in two lines is refused, and none of it is spent', async () => {
      const token = await house.payer.token(prices.premium);
      const seen = house.app.seen();
      for (const other of ['cashuBrubbish', token.slice(0, -4), 'x']) {
        const headers: Pairs = [
          ['X-Cashu', token],
          ['X-Cashu', other],
        ];
        for (const lines of [headers, headers.toReversed()]) {
          const { status } = await request(front.url, '/premium/1', { headers: lines });
          assert.equal(status, 400);
        }
      }
      assert.equal(house.app.seen(), seen);
      assert.equal((await request(front.url, '/premium/1', { headers: { 'X-Cashu': token } })).status, 200);
    });

    await t.test('two lines of Authorization are refused', async () => {
      const headers: Pairs = [
        ['Authorization', `Bearer ${key}`],
        ['Authorization', 'Bearer sk-rubbish'],
      ];
      for (const lines of [headers, headers.toReversed()]) {
        const { identity } = await learnt(front, '/orders/1', lines);
        assert.equal(identity, undefined);
      }
    });

    await t.test('who calls is the address of the connection, whatever X-Forwarded-For says', async () => {
      const marker = `/marked-${crypto.randomUUID()}`;
      for (const name of ['X-Forwarded-For', 'X-Real-IP', 'Forwarded'])
        await request(front.url, marker, {
          headers: { [name]: name === 'Forwarded' ? 'for=198.51.100.9' : '198.51.100.9' },
        });
      const lines = () => house.gate.log().filter(({ path }) => path === marker);
      await until('the log has the three refusals', () => lines().length >= 3);
      const addresses = new Set(lines().map(({ client_ip }) => client_ip));
      assert.equal(addresses.has('198.51.100.9'), false, [...addresses].join());
    });
  });
}
