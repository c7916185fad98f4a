// Runs every test file by Node's runner. `npm test -- PATTERN…` runs only the files whose path holds one of the patterns.
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';

const patterns = process.argv.slice(2);
const files = globSync(['src/**/*.test.ts', 'test/**/*.test.ts', 'bench/**/*.test.ts', 'examples/**/*.test.ts'])
  .filter((file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)))
  .sort();
if (files.length === 0) {
  console.error(`No test file's path holds ${patterns.join(' or ')}.`);
  process.exit(2);
}
// Each file is a process, and hundreds of others are started and killed: to compile everything anew takes half of their time.
const env = {
  NODE_COMPILE_CACHE: join(import.meta.dirname, '..', 'node_modules', '.cache', 'sallyport'),
  ...process.env,
};
const { status } = spawnSync(process.execPath, ['--test', '--test-concurrency=2', ...files], { stdio: 'inherit', env });
process.exit(status ?? 1);
