import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { compilePolicies } from '../../../../test/servers/compiled-policy.ts';
import { find, needs } from '../../../../test/servers/programs.ts';
import { tar } from '../../../../test/servers/tar.ts';
import { createWorkdir } from '../../../../test/servers/workdir.ts';
import { loadOpaWasm, type OpaWasmOptions } from './opa-wasm.ts';
import { readTar } from './tar.ts';

const orders = `package orders
import rego.v1

default allow := false
allow if input.user in data.users
number := 1.50
now := time.now_ns()
nothing if input.user == "bob"
conflict := 1
conflict := 2 if input.user == "ann"
endless if {
  some i in numbers.range(1, 5000)
  some j in numbers.range(1, 5000)
  i * j == -1
}
d0 := concat("", [input.text, input.text])
d1 := concat("", [d0, d0])
d2 := concat("", [d1, d1])
d3 := concat("", [d2, d2])
d4 := concat("", [d3, d3])
d5 := concat("", [d4, d4])
d6 := concat("", [d5, d5])
d7 := concat("", [d6, d6])
d8 := concat("", [d7, d7])
d9 := concat("", [d8, d8])
d10 := concat("", [d9, d9])
d11 := concat("", [d10, d10])
d12 := concat("", [d11, d11])
large := count(d12)
`;
const rules = ['allow', 'number', 'now', 'nothing', 'conflict', 'endless', 'large'];
const queries = rules.map((rule) => `data.orders.${rule}`);

const directory = createWorkdir('opa-wasm');
after(directory.remove);

/** Everything that tests ask, in one bundle. */
const bundle =
  find('opa') === undefined
    ? ''
    : compilePolicies(
        { after },
        {
          files: { 'orders.rego': orders, 'data.json': '{"users": ["ann"]}' },
          entrypoints: rules.map((rule) => `orders/${rule}`),
        },
      ).file;

const load = (changes: Partial<OpaWasmOptions> = {}) =>
  loadOpaWasm({ file: bundle, queries, timeoutMs: 2_000, now: () => 1_700_000_000_123, ...changes });

type Owner = { after(cleanUp: () => Promise<void>): void };

const open = async (owner: Owner, changes: Partial<OpaWasmOptions> = {}) => {
  const loaded = await load(changes);
  assert.ok('engine' in loaded, JSON.stringify(loaded));
  owner.after(loaded.engine.close);
  return loaded.engine;
};

const problemsOf = async (changes: Partial<OpaWasmOptions>): Promise<readonly string[]> => {
  const loaded = await load(changes);
  if ('engine' in loaded) await loaded.engine.close();
  return 'engine' in loaded
    ? []
    : loaded.problems.map(({ message, hint }) => [message, hint].filter(Boolean).join('; '));
};

test('a bundle answers by its rules, its data and the time of the host', needs('opa'), async (t) => {
  const { evaluate } = await open(t);
  const answers = await Promise.all(
    ['allow', 'number', 'now', 'nothing'].map((rule) => evaluate(`data.orders.${rule}`, '{"user":"ann"}')),
  );
  assert.deepEqual(answers, [
    { outcome: 'value', value: true },
    { outcome: 'value', value: 1.5 },
    { outcome: 'value', value: 1_700_000_000_123_000_000 },
    { outcome: 'undefined' },
  ]);
});

test('a bare module answers likewise, without data', needs('opa'), async (t) => {
  const file = join(directory.path, 'policy.wasm');
  writeFileSync(file, readTar(gunzipSync(readFileSync(bundle))).get('policy.wasm') ?? '');
  const { evaluate } = await open(t, { file });
  assert.deepEqual(await evaluate('data.orders.allow', '{"user":"ann"}'), { outcome: 'value', value: false });
});

test('a rule with two values fails, and the next question does not', needs('opa'), async (t) => {
  const { evaluate } = await open(t);
  const answer = await evaluate('data.orders.conflict', '{"user":"ann"}');
  assert.match(String(answer.outcome === 'failed' && answer.cause), /conflict/);
  assert.deepEqual(await evaluate('data.orders.conflict', '{}'), { outcome: 'value', value: 1 });
});

test('a policy that does not end is ended in time, while others are answered', needs('opa'), async (t) => {
  const { evaluate } = await open(t, { timeoutMs: 1_000 });
  const endless = evaluate('data.orders.endless', '{}');
  const others = Array.from({ length: 200 }, () => evaluate('data.orders.allow', '{"user":"ann"}'));
  for (const answer of await Promise.all(others)) assert.deepEqual(answer, { outcome: 'value', value: true });
  assert.deepEqual(await endless, { outcome: 'timeout' });
});

test(
  'where every thread is caught, questions are late, and are answered once the threads are new',
  needs('opa'),
  async (t) => {
    const { evaluate } = await open(t, { timeoutMs: 300 });
    const caught = Array.from({ length: 4 }, () => evaluate('data.orders.endless', '{}'));
    assert.deepEqual(new Set((await Promise.all(caught)).map(({ outcome }) => outcome)), new Set(['timeout']));
    for (;;) {
      const { outcome } = await evaluate('data.orders.allow', '{}');
      if (outcome === 'value') break;
      assert.equal(outcome, 'timeout');
    }
  },
);

test('a policy that takes all memory fails, and the next question does not', needs('opa'), async (t) => {
  const { evaluate } = await open(t, { timeoutMs: 5_000 });
  const answer = await evaluate('data.orders.large', JSON.stringify({ text: 'x'.repeat(60_000) }));
  assert.match(String(answer.outcome === 'failed' && answer.cause), /malloc|memory/);
  assert.deepEqual(await evaluate('data.orders.allow', '{"user":"ann"}'), { outcome: 'value', value: true });
});

test('the event loop goes on while a policy does not', needs('opa'), async (t) => {
  const { evaluate } = await open(t, { timeoutMs: 300 });
  let turns = 0;
  const turning = setInterval(() => turns++, 1);
  await evaluate('data.orders.endless', '{}');
  clearInterval(turning);
  assert.ok(turns > 20, `${turns} turns`);
});

test('closed, it answers nothing more, and what is under way fails', needs('opa'), async (t) => {
  const { evaluate, close } = await open(t);
  const under = evaluate('data.orders.endless', '{}');
  await close();
  assert.equal((await under).outcome, 'failed');
  assert.equal((await evaluate('data.orders.allow', '{}')).outcome, 'failed');
});

test('a query without an entrypoint is told when it is loaded, with those that there are', needs('opa'), async () => {
  const known = [...queries].sort().join(', ');
  assert.deepEqual(await problemsOf({ queries: ['data.orders.deny', 'data.orders.allow'] }), [
    `data.orders.deny is no entrypoint of it; it has ${known}: build it with -e orders/deny as well`,
  ]);
});

test('builtins that a module does not have are told when it is loaded', needs('opa'), async (t) => {
  const { file } = compilePolicies(t, {
    files: { 'a.rego': 'package a\nx := http.send({"url": input.u, "method": "get"})\ny := io.jwt.decode(input.t)\n' },
    entrypoints: ['a'],
  });
  assert.deepEqual(await problemsOf({ file, queries: [] }), [
    'needs builtins that are not there in WebAssembly: http.send, io.jwt.decode; do without them, or give the directory of .rego files or an OPA server instead',
  ]);
});

const empty = Buffer.from('0061736d01000000', 'hex');
const zipped = (files: Readonly<Record<string, string | Buffer>>): Buffer => gzipSync(tar(files));

for (const [title, bytes, message] of [
  ['no archive', Buffer.from('hello'), /neither a gzipped tar archive nor WebAssembly/],
  ['no tar', gzipSync('x'.repeat(2_000)), /damaged|no tar/],
  ['a bomb', gzipSync(Buffer.alloc(65 * 1024 * 1024)), /larger than 67108864 bytes/],
  ['no module', zipped({ 'a.rego': 'package a' }), /holds no policy\.wasm: make it with "opa build -t wasm/],
  ['several modules', zipped({ 'policy.wasm': '', 'b/other.wasm': '' }), /holds b\/other\.wasm: expected one module/],
  ['data elsewhere', zipped({ 'policy.wasm': '', 'a/data.yaml': '' }), /holds a\/data\.yaml: make one bundle/],
  ['data of another kind', zipped({ 'policy.wasm': '', 'data.json': '[1]' }), /data\.json is no JSON object/],
  ['data that is no JSON', zipped({ 'policy.wasm': '', 'data.json': '{"a":' }), /should hold JSON does not/],
  ['half a module', Buffer.concat([empty.subarray(0, 5)]), /cannot be compiled/],
  ['a module of something else', empty, /version 0\.0 of the ABI, expected 1\.2/],
] as const) {
  test(`${title} is told as such`, async () => {
    const file = join(directory.path, 'bad.tar.gz');
    writeFileSync(file, bytes);
    const [problem = ''] = await problemsOf({ file });
    assert.match(problem, message);
  });
}

test('a file that is not there is told as such', async () => {
  assert.deepEqual(await problemsOf({ file: join(directory.path, 'none.tar.gz') }), ['cannot be read: ENOENT']);
});

const pem = { type: 'spki', format: 'pem' } as const;
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
writeFileSync(join(directory.path, 'key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));

const signed =
  find('opa') === undefined
    ? ''
    : compilePolicies(
        { after },
        {
          files: {
            'orders.rego': orders,
            'data.json':
              '{"users": ["ann"], "n": [1.50, 1e3, 12345678901234567890], "é": "<\u2028&>", "a\u00e9": null}',
          },
          entrypoints: ['orders/allow'],
          flags: ['--signing-key', join(directory.path, 'key.pem'), '--signing-alg', 'PS256'],
        },
      ).file;

const by = (key: KeyObject, algorithm = 'PS256') => ({ publicKey: key.export(pem).toString(), algorithm });

/** The signed bundle, with other files in it. */
const changed = (changes: Readonly<Record<string, string | undefined>>): string => {
  const files = Object.entries({ ...Object.fromEntries(readTar(gunzipSync(readFileSync(signed)))), ...changes });
  const file = join(directory.path, 'changed.tar.gz');
  writeFileSync(
    file,
    zipped(Object.fromEntries(files.flatMap(([name, text]) => (text === undefined ? [] : [[name, text]])))),
  );
  return file;
};

const only = { queries: ['data.orders.allow'] };

test('a bundle that opa signed is used', needs('opa'), async (t) => {
  const { evaluate } = await open(t, { ...only, file: signed, verification: by(publicKey) });
  assert.deepEqual(await evaluate('data.orders.allow', '{"user":"ann"}'), { outcome: 'value', value: true });
});

for (const [title, changes, message] of [
  ['other data', { 'data.json': '{"users": ["eve"]}' }, /^data\.json is not the one that was signed$/],
  ['another manifest', { '.manifest': '{}' }, /^\.manifest is not the one that was signed$/],
  ['a file more', { 'b/data.json': '{}' }, /^b\/data\.json is not in the signed list of files$/],
  ['a file less', { '.manifest': undefined }, /^the signed list has a file that the bundle has not: "\.manifest"$/],
  ['no signature', { '.signatures.json': undefined }, /^is not signed: it holds no \.signatures\.json$/],
  ['two signatures', { '.signatures.json': '{"signatures": ["a.b.c", "a.b.c"]}' }, /^expected one signature/],
  ['a signature of a plugin', { '.signatures.json': '{"signatures": ["a"], "plugin": "p"}' }, /^is signed by a plugin/],
  ['a token that is none', { '.signatures.json': '{"signatures": ["a.b.c"]}' }, /^its signature is not one of/],
] as const) {
  test(`a signed bundle with ${title} is refused`, needs('opa'), async () => {
    const [problem = ''] = await problemsOf({ ...only, file: changed(changes), verification: by(publicKey) });
    assert.match(problem, message);
  });
}

test('a bundle that was signed by somebody else, or in another way, is refused', needs('opa'), async () => {
  for (const verification of [by(other), by(publicKey, 'RS256'), by(publicKey, 'HS256')]) {
    const [problem = ''] = await problemsOf({ ...only, file: signed, verification });
    assert.match(problem, /^its signature is not one of policy\.verification_key by [A-Z]+256: /);
  }
});

test('a bare module is refused where a signature is wanted', async () => {
  const file = join(directory.path, 'bare.wasm');
  writeFileSync(file, empty);
  assert.match(String(await problemsOf({ file, verification: by(publicKey) })), /a bare module has no signature/);
});
