import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { type TestContext, test } from 'node:test';
import { until } from '../../test/servers/until.ts';
import { createLogFile } from './log-file.ts';

/** A pipe that takes 64 KiB, and then no more until it is read. */
const createPipe = (t: TestContext) => {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-pipe-'));
  const path = join(directory, 'pipe');
  execFileSync('mkfifo', [path]);
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  t.after(() => {
    closeSync(fd);
    rmSync(directory, { recursive: true });
  });
  const buffer = Buffer.alloc(1_000_000);
  const decoder = new StringDecoder('utf8');
  let text = '';
  const read = (): string => {
    try {
      for (;;) text += decoder.write(buffer.subarray(0, readSync(fd, buffer)));
    } catch {
      return text;
    }
  };
  return { fd, read };
};

const lineOf = (n: number) => `${String(n).padStart(9, '0')}\n`;

test('while nobody reads, lines wait up to a bound; what waited comes in order, and what was lost is told', async (t) => {
  const { fd, read } = createPipe(t);
  const lost: number[] = [];
  const file = createLogFile(fd, { batchLength: 1_000, mostWaiting: 100_000, onLost: (count) => lost.push(count) });
  t.after(() => file.close());
  for (let n = 0; n < 50_000; n++) file.write(lineOf(n));
  assert.deepEqual(lost, []);
  await until('what waited is read', () => read() !== '' && lost.length === 1);
  await until('it is all there', () => read().length + (lost[0] ?? 0) * 10 === 500_000);
  assert.equal(read(), Array.from({ length: read().length / 10 }, (_, n) => lineOf(n)).join(''));
});

test('a small line is written soon, and many at once', async (t) => {
  const { fd, read } = createPipe(t);
  const file = createLogFile(fd, { batchLength: 4_096, mostWaiting: 100_000, onLost: () => undefined });
  t.after(() => file.close());
  file.write('small\n');
  assert.equal(read(), '');
  await until('it is written', () => read() === 'small\n', { deadlineMs: 2_000 });
});

test('lines of any length and alphabet come whole and in order', async (t) => {
  const { fd, read } = createPipe(t);
  const file = createLogFile(fd, { batchLength: 2_000, mostWaiting: 10_000_000, onLost: () => undefined });
  t.after(() => file.close());
  const texts = ['a', 'ü', '€', '😀', 'x'.repeat(700), 'é'.repeat(2_500), '€'.repeat(30_000), '😀'.repeat(9_000)];
  let expected = '';
  for (let n = 0; n < 400; n++) {
    const line = `${n} ${texts[(n * n) % texts.length]}\n`;
    expected += line;
    file.write(line);
    // What is being written must not be written over.
    if (n % 7 === 0) await until('some of it is read', () => read().length > expected.length / 2, { everyMs: 1 });
  }
  await until('it is all there', () => read().length >= expected.length);
  assert.equal(read(), expected);
});

test('what is written after the end is written at once', (t) => {
  const { fd, read } = createPipe(t);
  const file = createLogFile(fd, { batchLength: 4_096, mostWaiting: 100_000, onLost: () => undefined });
  file.write('before\n');
  file.close();
  file.write('after\n');
  file.close();
  assert.equal(read(), 'before\nafter\n');
});
