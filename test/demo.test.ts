import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { launch } from './servers/process.ts';
import { needs } from './servers/programs.ts';
import { until } from './servers/until.ts';

const root = join(import.meta.dirname, '..');
const leftBehind = () => globSync(join(tmpdir(), 'sallyport-demo-*'));
const before = leftBehind();

const demo = await launch({
  command: process.execPath,
  args: [join(root, 'examples', 'demo', 'main.ts')],
  cwd: root,
  stopSignal: 'SIGINT',
  graceMs: 15_000,
  owner: { after },
  // Somebody's own settings must not reach the demo.
  env: { DATABASE_URL: 'postgres://nowhere/at-all', REDIS_URL: 'redis://nowhere' },
});
await until('the demo has printed its lines', () => demo.output().includes('Ctrl-C ends it'), { deadlineMs: 30_000 });

const [itself = '', throughNginx = ''] = demo.output().split('The same through nginx');

/** The lines as a reader copies them, each below the status that it promises. */
const linesIn = (text: string) =>
  [...text.matchAll(/^ {2}# (\d+): (.*)\n {2}(curl .*)$/gm)].map(([, status, shows, command]) => ({
    status: Number(status),
    shows: shows ?? '',
    command: command ?? '',
  }));

const run = (command: string): { status: number; text: string } => {
  const text = execFileSync('bash', ['-c', `${command} -s`], { encoding: 'utf8' });
  return { status: Number(/^HTTP\/1.1 (\d+)/.exec(text)?.[1]), text };
};

const expectations: Readonly<Record<string, RegExp>> = {
  'no credential, and here is the price': /"amount":64,"unit":"sat".*"request":"creqA/,
  rubbish: /"code":"unrecognised_credential","detail":"[^"]+"/,
};

test('the demo prints every kind of answer', () => {
  assert.deepEqual(
    linesIn(itself).map(({ status }) => status),
    [200, 402, 200, 200, 200, 401, 403],
  );
});

for (const { status, shows, command } of linesIn(itself)) {
  test(`the demo's line works as printed: ${shows}`, () => {
    const answer = run(command);
    assert.equal(answer.status, status, answer.text);
    const [, expected] = Object.entries(expectations).find(([start]) => shows.startsWith(start)) ?? [];
    if (expected) assert.match(answer.text, expected);
    if (shows.startsWith('paid')) assert.match(answer.text, /X-Payment-Verified: true\r\n/);
    if (shows.startsWith('an API key')) assert.match(answer.text, /X-User-ID: bob\r\n/);
    if (shows.startsWith('a JWT')) assert.match(answer.text, /X-User-Roles: customer,beta\r\n/);
  });
}

test('the lines work through a real nginx too, and what the gate says reaches the application', needs('nginx'), () => {
  const lines = linesIn(throughNginx);
  assert.equal(lines.length, linesIn(itself).length);
  for (const { status, shows, command } of lines) {
    const answer = run(command);
    assert.equal(answer.status, status, `${shows}\n${answer.text}`);
    if (shows.startsWith('paid')) assert.match(answer.text, /x-payment-verified: true/);
    if (shows.startsWith('an API key')) assert.match(answer.text, /x-user-id: bob/);
    if (status === 200) assert.doesNotMatch(answer.text, /sk-|cashuB|eyJ/, 'the application never sees a credential');
  }
});

test('Ctrl-C leaves nothing behind', async () => {
  const [, port = ''] = /http:\/\/127\.0\.0\.1:(\d+)\/metrics/.exec(demo.output()) ?? [];
  await demo.stop();
  assert.equal(await demo.exited(), 'code 0');
  assert.deepEqual(leftBehind(), before);
  await assert.rejects(fetch(`http://127.0.0.1:${port}/health`));
});
