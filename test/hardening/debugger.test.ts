/** Whoever may send a signal must not get a debugger, by which every secret can be read. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { startSallyport } from '../sallyport.ts';
import { request } from '../servers/request.ts';

const childrenOf = (pid: number): number[] =>
  execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map(Number);

for (const [what, workers] of [
  ['a service of one process', 1],
  ['the primary and its workers', 2],
] as const) {
  test(`SIGUSR1 opens no debugger in ${what}, and ends nothing`, async (t) => {
    const gate = await startSallyport({
      owner: t,
      config: `workers: ${workers}\nrules: [{ name: free, match: { path: "/free" }, accept: [anonymous] }]\n`,
    });
    for (const pid of [gate.pid, ...(workers > 1 ? childrenOf(gate.pid) : [])]) process.kill(pid, 'SIGUSR1');
    for (let n = 0; n < 20; n++) assert.equal((await request(gate.url, '/auth/native/free')).status, 200);
    await gate.stop();
    assert.equal(await gate.exited(), 'code 0');
    assert.doesNotMatch(gate.output(), /Debugger/);
  });
}
