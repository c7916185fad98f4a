import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { launch } from './process.ts';
import { until } from './until.ts';
import { createWorkdir } from './workdir.ts';

const node = (script: string) => ({ command: process.execPath, args: ['-e', script] });
const forever = 'setInterval(() => {}, 1000);';

/** Whether a process runs. A dead one that its parent has not asked about yet, a zombie, does not. */
const runs = (pid: number) => {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};

test('a program that never gets ready is stopped, and the error shows its output', async () => {
  const failing = launch({
    ...node(`console.log('my pid is', process.pid); ${forever}`),
    ready: () => false,
    readyMs: 500,
  });
  const error = await failing.then(
    () => assert.fail(),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof Error);
  const pid = Number(/my pid is (\d+)/.exec(error.message)?.[1]);
  assert.ok(pid > 0, error.message);
  assert.equal(runs(pid), false);
});

test('a program that ends early is reported at once, with its output', async () => {
  const failing = launch({
    ...node(`console.error('no such port'); process.exit(3)`),
    ready: () => false,
    readyMs: 60_000,
  });
  await assert.rejects(
    failing,
    (error: Error) => /no such port/.test(error.message) && /code 3/.test(String(error.cause)),
  );
});

test('a program that does not exist is reported by name', async () => {
  await assert.rejects(launch({ command: '/no/such/program' }), /\/no\/such\/program/);
});

test('a program that does not hear the stop signal is killed after its grace, with its children', async (t: TestContext) => {
  const deaf = `process.on('SIGTERM', () => {});
    const { pid } = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(forever)}], { stdio: 'inherit' });
    console.log('child', pid); ${forever}`;
  const running = await launch({ ...node(deaf), graceMs: 50, owner: t });
  await until('it has told its child', () => /child \d+/.test(running.output()));
  const child = Number(/child (\d+)/.exec(running.output())?.[1]);
  await running.stop();
  assert.equal(await running.exited(), 'SIGKILL');
  assert.equal(runs(running.pid), false);
  await until('the child is gone', () => !runs(child));
});

test('a frozen program can be stopped', async (t) => {
  const running = await launch({ ...node(forever), owner: t });
  running.signal('SIGSTOP');
  await running.stop();
  assert.equal(await running.exited(), 'SIGTERM');
});

test('only the end of a long output is kept', async (t) => {
  const running = await launch({ ...node(`console.log('x'.repeat(1e6)); console.log('end'); ${forever}`), owner: t });
  await until('all is written', () => running.output().endsWith('end\n'));
  assert.ok(running.output().length <= 256 * 1024);
});

for (const [way, act] of [
  ['ends by itself', () => {}],
  ['dies of an uncaught error', () => {}],
  ['is told to end', (pid: number) => process.kill(pid, 'SIGTERM')],
] as const) {
  test(`nothing is left behind by a test process that ${way}`, async (t) => {
    const { path } = createWorkdir('leaving', t);
    const leaving = fork(join(import.meta.dirname, 'process.leaving.ts'), [way], { cwd: path, silent: true });
    t.after(() => leaving.kill('SIGKILL'));
    const [message] = await once(leaving, 'message');
    assert.equal(runs(message.pid), true);
    assert.equal(existsSync(message.directory), true);
    act(leaving.pid ?? 0);
    leaving.send('go on');
    await once(leaving, 'exit');
    await until('the program is gone', () => !runs(message.pid));
    assert.equal(existsSync(message.directory), false);
  });
}
