/** Several workers write one audit file: every line whole, every request once, also while the file is moved away. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync, readlinkSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startRecordingTarget } from '../peers/recording-target.ts';
import { startSallyport } from '../sallyport.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';
import { createWorkdir } from '../servers/workdir.ts';

const owner = { after };
const file = join(createWorkdir('audit-workers', owner).path, 'audit.log');
const target = await startRecordingTarget({ owner });
const sidecar = await startSallyport({
  owner,
  config: `
workers: 2
proxy:
  upstream: "${target.url}"
  auth: { enabled: false }
  headers: { extract: [X-Tenant] }
  audit: { file: "${file}" }
`,
});

const workers = execFileSync('pgrep', ['-P', String(sidecar.pid)], { encoding: 'utf8' })
  .trim()
  .split('\n');

const linkOf = (path: string): string => {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
};

const isWrittenBy = (pid: string): boolean => globSync(`/proc/${pid}/fd/*`).some((path) => linkOf(path) === file);

/** Throws where a line is not whole. */
const pathsIn = (path: string): string[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line).path);

let sent = 0;
// Longer together than a batch, so that each worker writes many times.
const headers = { 'X-Tenant': 'x'.repeat(2_000) };
const send = async () => {
  const { status } = await request(sidecar.url, `/orders/${sent++}`, { headers });
  assert.equal(status, 200);
};
const sendMany = (count: number) =>
  Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let times = 0; times < count / 8; times++) await send();
    }),
  );

test('lines of all workers are whole, and none is lost or told twice, whoever moves the file away', async () => {
  await sendMany(200);
  assert.equal(workers.length, 2);
  assert.ok(workers.every(isWrittenBy), 'each has it open');
  renameSync(file, `${file}.1`);
  await sendMany(200);
  await until('each has opened it anew', () => existsSync(file) && workers.every(isWrittenBy));
  await sendMany(200);
  await sidecar.stop();
  const [old, current] = [pathsIn(`${file}.1`), pathsIn(file)];
  assert.deepEqual([...old, ...current].sort(), Array.from({ length: sent }, (_, index) => `/orders/${index}`).sort());
  assert.ok(old.length > 0 && current.length > 0);
});
