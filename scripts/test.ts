// Runs every test file by Node's runner. `npm test -- PATTERN…` runs only the files whose path holds one of the patterns.
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

const patterns = process.argv.slice(2);
const files = globSync(['src/**/*.test.ts', 'test/**/*.test.ts', 'bench/**/*.test.ts', 'examples/**/*.test.ts'])
  .filter((file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)))
  .sort();
if (files.length === 0) {
  console.error(`No test file's path holds ${patterns.join(' or ')}.`);
  process.exit(2);
}
// Each file is a process, and hundreds of others are started and killed: to compile everything anew takes half of their time,
// and to ask for each module whether it is a link a fifth of the rest.
const env = {
  NODE_OPTIONS: '--preserve-symlinks',
  NODE_COMPILE_CACHE: join(import.meta.dirname, '..', 'node_modules', '.cache', 'sallyport'),
  ...process.env,
};
// More than there are processors, for a fifth of the time goes by in waiting for others.
const atOnce = availableParallelism() + 1;
const { status } = spawnSync(process.execPath, ['--test', `--test-concurrency=${atOnce}`, ...files], {
  stdio: 'inherit',
  env,
});
process.exit(status ?? 1);
