/**
 * Compiles `rego/`, regorus and its C ABI, to the WebAssembly that the service runs.
 *
 *   npm run build:rego              writes src/stores/policy/regorus/rego.wasm
 *   npm run build:rego -- --check   fails where that file is not what the sources make, byte for byte
 *
 * Needs rustup, which has or fetches the toolchain of rego/rust-toolchain.toml. That toolchain, the locked dependencies and these
 * flags make the same bytes in every folder: no path of a machine gets into them.
 */
import { execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { copyFileSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

const crate = join(dirname(import.meta.dirname), 'rego');
const committed = join(dirname(import.meta.dirname), 'src/stores/policy/regorus/rego.wasm');
const { env } = process;
const cargoHome = env['CARGO_HOME'] ?? join(homedir(), '.cargo');
const target = join(env['SALLYPORT_CACHE'] ?? join(homedir(), '.cache/sallyport'), 'rego-target');

const run = (program: string, words: readonly string[], more: NodeJS.ProcessEnv = {}): string =>
  execFileSync(program, words, {
    cwd: crate,
    env: { ...env, ...more },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim();

const sysroot = run('rustc', ['--print', 'sysroot']);

/** The most memory that one instance may ever have. */
const MOST_MEMORY = 256 * 1024 * 1024;

const flags = [
  `--remap-path-prefix=${crate}=/rego`,
  `--remap-path-prefix=${cargoHome}=/cargo`,
  `--remap-path-prefix=${sysroot}=/rust`,
  `-Clink-arg=--max-memory=${MOST_MEMORY}`,
];

run('rustup', ['target', 'add', 'wasm32-unknown-unknown']);
run('cargo', ['build', '--release', '--locked', '--target', 'wasm32-unknown-unknown'], {
  CARGO_ENCODED_RUSTFLAGS: flags.join('\u001f'),
  CARGO_TARGET_DIR: target,
});
const built = join(target, 'wasm32-unknown-unknown/release/sallyport_rego.wasm');

const describe = (file: string): string => {
  const bytes = readFileSync(file);
  return `${bytes.length} bytes, SHA-256 ${hash('sha256', bytes)}`;
};

if (process.argv.includes('--check')) {
  if (!readFileSync(built).equals(readFileSync(committed))) {
    const toolchain = run('rustc', ['--version']);
    console.error(`rego.wasm is not what rego/ makes with ${toolchain}; run: npm run build:rego
committed: ${describe(committed)}
built:     ${describe(built)}`);
    process.exitCode = 1;
  }
} else {
  copyFileSync(built, committed);
  console.log(`src/stores/policy/regorus/rego.wasm: ${describe(committed)}`);
}
