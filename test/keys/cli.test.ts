/** `sallyport keys`, as a process: the words of the admin API, with its checks. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runSallyport } from '../sallyport.ts';
import { createWorkdir } from '../servers/workdir.ts';

const { path: cwd } = createWorkdir('keys-cli', { after });
writeFileSync(join(cwd, 'sallyport.yaml'), 'api_keys: { imported: [old_] }\n');

const run = (args: readonly string[], input?: string) =>
  runSallyport(['keys', ...args], { cwd, ...(input !== undefined && { input }) });

const json = (args: readonly string[], input?: string) => {
  const { status, stdout, stderr } = run([...args, '--json'], input);
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
};

const create = (...args: string[]) => json(['create', '--user', 'ann', '--name', 'laptop', ...args]);

test('a key is made with every field, shown, changed, and fields are taken away again', () => {
  const fields = [
    ...['--per-minute', '5', '--per-day', 'none', '--scope', 'a:b', 'c', '--metadata', '{"roles":["x"]}'],
    ...['--allow-ip', '192.0.2.1', '10.0.0.0/8', '--customer', 'cus_1', '--expires', '2099-01-01T00:00:00Z'],
    ...['--credits', '7', '--refill', '9', '--refill-every', '12h'],
  ];
  const { key, ...made } = create(...fields);
  assert.match(key, /^sk-/);
  assert.deepEqual(
    [made.rate_limit_per_minute, made.rate_limit_per_day, made.scopes, made.metadata],
    [5, null, ['a:b', 'c'], { roles: ['x'] }],
  );
  assert.deepEqual(
    [made.allowed_ips, made.customer_id, made.expires_at],
    [['192.0.2.1/32', '10.0.0.0/8'], 'cus_1', '2099-01-01T00:00:00.000Z'],
  );
  assert.deepEqual([made.credits.remaining, made.credits.refill.interval_seconds], [7, 43_200]);
  assert.deepEqual(json(['show', made.id]), made);
  const cleared = json([
    ...['update', made.id, '--name', 'desk', '--allow-ip', 'none', '--scope', 'none'],
    ...['--customer', 'none', '--credits', 'none', '--expires', 'none', '--per-minute', 'none'],
  ]);
  assert.deepEqual(
    [cleared.name, cleared.allowed_ips, cleared.scopes, cleared.customer_id, cleared.credits, cleared.expires_at],
    ['desk', [], [], null, null, null],
  );
  assert.deepEqual(cleared.metadata, made.metadata, 'what is left out stays');
  assert.match(run(['show', made.id]).stdout, /name: "desk"/);
});

test('a key is verified by the standard input, rotated, disabled, enabled and revoked', () => {
  const { key, id } = create();
  const verdict = (secret: string) => {
    const { status, stdout } = run(['verify', '--json'], `${secret}\n`);
    return [status, JSON.parse(stdout).code];
  };
  assert.deepEqual(verdict(key), [0, 'valid']);
  assert.deepEqual(verdict('sk-invented'), [1, 'unknown']);
  const rotated = json(['rotate', id, '--overlap', '0']);
  assert.equal(rotated.id, id);
  assert.deepEqual(
    [verdict(key), verdict(rotated.key)],
    [
      [1, 'replaced'],
      [0, 'valid'],
    ],
  );
  assert.equal(json(['disable', id]).status, 'disabled');
  assert.deepEqual(verdict(rotated.key), [1, 'disabled']);
  assert.equal(json(['enable', id]).status, 'active');
  assert.equal(json(['revoke', id]).status, 'revoked');
  assert.deepEqual(verdict(rotated.key), [1, 'revoked']);
  assert.equal(run(['update', id, '--name', 'x']).status, 1);
  assert.equal(run(['rotate', id, '--overlap', '1h']).status, 1);
  assert.equal(run(['revoke', id]).status, 0, 'once more changes nothing');
});

test('hashes are imported from a file of any length, and again without harm', () => {
  const keys = Array.from({ length: 1_001 }, (_, n) => ({
    user_id: 'bob',
    name: 'n',
    hash: hash('sha256', `old_${n}`),
  }));
  writeFileSync(join(cwd, 'keys.json'), JSON.stringify({ keys }));
  assert.deepEqual(json(['import', 'keys.json']), { imported: 1_001, existing: 0 });
  assert.deepEqual(json(['import', '-'], readFileSync(join(cwd, 'keys.json'), 'utf8')), {
    imported: 0,
    existing: 1_001,
  });
  assert.equal(json(['list', 'bob']).keys.length, 1_001);
  assert.equal(run(['verify', '--client-ip', '192.0.2.1'], 'old_7').status, 0);
});

test('lists are of one user or of all, and an empty one is no error', () => {
  assert.match(run(['list']).stdout, /^key_\w+ +imported +active +\d{4}-\d\d-\d\d +bob +n$/m);
  const nobody = run(['list', 'nobody', '--json']);
  assert.deepEqual([nobody.status, nobody.stdout], [0, '{"keys":[]}\n']);
});

for (const [what, args, input, status] of [
  ['no user', ['create', '--name', 'n'], '', 2],
  ['an end that is past', ['create', '--user', 'a', '--name', 'n', '--expires', '2020-01-01T00:00:00Z'], '', 2],
  ['a change of nothing', ['update', 'key_none'], '', 2],
  ['no overlap', ['rotate', 'key_none'], '', 2],
  ['an overlap that is no time', ['rotate', 'key_none', '--overlap', 'soon'], '', 2],
  ['a file that is not there', ['import', 'nothing.json'], '', 2],
  ['a file of something else', ['import', '-'], '[1]', 2],
  ['a hash that is none', ['import', '-'], '{"keys":[{"user_id":"u","name":"n","hash":"x"}]}', 2],
  ['no key to verify', ['verify'], '', 2],
  ['a key as an argument', ['verify', 'sk-x'], '', 2],
  ['an unknown word', ['delete', 'key_none'], '', 2],
  ['a key that is not there', ['show', 'key_none'], '', 1],
  ['a key to rotate that is not there', ['rotate', 'key_none', '--overlap', '0'], '', 1],
] as const) {
  test(`exit ${status}: ${what}`, () => {
    const { status: ended, stdout, stderr } = run(args, input);
    assert.deepEqual([ended, stdout], [status, '']);
    assert.ok(stderr.length > 0 && !stderr.includes('    at '), stderr);
  });
}
