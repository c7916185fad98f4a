import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { type ClosableLogger, createLogger, type LoggerOptions } from './logger.ts';

/** A logger that writes to a file, and what it has written. */
const create = (t: TestContext, options: Partial<LoggerOptions> = {}): ClosableLogger & { lines(): string[] } => {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-log-'));
  const path = join(directory, 'log');
  const file = openSync(path, 'a');
  t.after(() => {
    closeSync(file);
    rmSync(directory, { recursive: true });
  });
  const created = createLogger({ level: 'info', format: 'json', ...options }, file);
  return { ...created, lines: () => readFileSync(path, 'utf8').split('\n').slice(0, -1) };
};

/** Runs a script that has a logger, and ends in its own way. */
const run = async (script: string, stdout: 'pipe' | number = 'pipe') => {
  const module = new URL('./logger.ts', import.meta.url).href;
  const source = `import { createLogger } from '${module}';
    const { logger, flush } = createLogger({ level: 'info', format: 'json' });
    ${script}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['ignore', stdout, 'pipe'] });
  const [output, errors, [code]] = await Promise.all([
    child.stdout ? text(child.stdout) : '',
    child.stderr ? text(child.stderr) : '',
    once(child, 'exit'),
  ]);
  return { lines: output.split('\n').slice(0, -1), errors, code };
};

test('a line is JSON with level by name and time by ISO 8601', (t) => {
  const { logger, flush, lines } = create(t);
  logger.info({ event: 'x', value: 'a\nb\u2028"\\\ud800' }, 'said');
  flush();
  const [line] = lines();
  const { time, ...rest } = JSON.parse(line ?? '');
  assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual(rest, { level: 'info', event: 'x', value: 'a\nb\u2028"\\\ud800', msg: 'said' });
  assert.equal(lines().length, 1);
});

test('the level is the least that is written', (t) => {
  const { logger, flush, lines } = create(t, { level: 'warn' });
  logger.info('quiet');
  logger.warn('loud');
  flush();
  assert.equal(lines().length, 1);
});

test('an error is told by its name, message and stack, and by nothing that hangs on it', (t) => {
  const { logger, flush, lines } = create(t);
  const error = Object.assign(new TypeError('broken'), { payload: { secret: 'canary' }, cause: new Error('canary') });
  logger.error({ err: error }, 'x');
  logger.error({ err: 'canary' }, 'x');
  logger.error({ err: new SyntaxError('Unexpected token, "canary" is not valid JSON') }, 'x');
  flush();
  const [first, second, third] = lines().map((line) => JSON.parse(line).err);
  assert.deepEqual([first.type, first.message, typeof first.stack], ['TypeError', 'broken', 'string']);
  assert.deepEqual(second, { type: 'string' });
  assert.deepEqual([third.type, third.message], ['SyntaxError', undefined]);
  assert.ok(!lines().join().includes('canary'));
});

for (const [how, script, code] of [
  ['by itself', '', 0],
  ['after a flush', 'flush();', 0],
  ['at once', 'process.exit(3);', 3],
  ['by an error', 'throw new Error("x");', 1],
] as const) {
  test(`a process that ends ${how} loses no line`, async () => {
    const { lines, code: ended } = await run(`for (let n = 0; n < 1000; n++) logger.info({ n }, 'x'); ${script}`);
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).n),
      Array.from({ length: 1_000 }, (_, n) => n),
    );
    assert.equal(ended, code);
  });
}

test('a log that nobody reads any longer ends nothing', async () => {
  const script = `process.stdin.destroy();
    const lines = setInterval(() => { for (let n = 0; n < 100; n++) logger.info('x'.repeat(100)); }, 1);
    setTimeout(() => { clearInterval(lines); process.exitCode = 7; }, 300);`;
  const module = new URL('./logger.ts', import.meta.url).href;
  const source = `import { createLogger } from '${module}'; const { logger } = createLogger({ level: 'info', format: 'json' }); ${script}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.once('data', () => child.stdout.destroy());
  const [errors, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  assert.deepEqual([errors, code], ['', 7]);
});

test('a full disk under the log ends nothing', async (t) => {
  const full = openSync('/dev/full', 'w');
  t.after(() => closeSync(full));
  const script = `const lines = setInterval(() => { for (let n = 0; n < 100; n++) logger.info('x'.repeat(100)); }, 1);
    setTimeout(() => { clearInterval(lines); flush(); process.exitCode = 7; }, 300);`;
  const { errors, code } = await run(script, full);
  assert.deepEqual([errors, code], ['', 7]);
});
