/**
 * What the image does on arm64, for which the curve's library brings no binary. Here it is done for this machine: that the same
 * compiler makes a good binary for another one is not proven.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { needs } from '../servers/programs.ts';
import { createWorkdir } from '../servers/workdir.ts';
import { parseDockerfile } from './dockerfile.ts';

const checkout = join(import.meta.dirname, '..', '..');
const { path: directory } = createWorkdir('curve', { after });
const library = join(directory, 'node_modules', 'secp256k1');

/** The step of the Dockerfile that compiles, in a directory whose library has no binary. */
const compile = () => {
  for (const name of ['secp256k1', 'node-addon-api', 'node-gyp-build'])
    cpSync(join(checkout, 'node_modules', name), join(directory, 'node_modules', name), { recursive: true });
  rmSync(join(library, 'prebuilds'), { recursive: true });
  const [build] = parseDockerfile(readFileSync(join(checkout, 'Dockerfile'), 'utf8'));
  const step = build?.instructions.find(({ name, text }) => name === 'RUN' && text.includes('node-gyp'));
  return spawnSync('sh', ['-c', step?.text ?? assert.fail('no step compiles')], { cwd: directory, encoding: 'utf8' });
};

const publicKeyBy = (modules: string): string => {
  const script = `console.log(Buffer.from(require('secp256k1/bindings.js').publicKeyCreate(Buffer.alloc(32, 7))).toString('hex'))`;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], { cwd: modules, encoding: 'utf8' });
  return stdout || stderr;
};

test(
  'where the curve’s library has no binary for the machine, the image’s build compiles it',
  needs('c++', 'make', 'python3'),
  () => {
    const { status, stderr } = compile();
    assert.equal(status, 0, stderr);
    assert.deepEqual(readdirSync(join(library, 'prebuilds')), [`linux-${process.arch}`]);
    assert.ok(!readdirSync(library).includes('build'), 'what the compiler left is gone');
    assert.match(publicKeyBy(directory), /^0[23][0-9a-f]{64}\n$/);
    assert.equal(publicKeyBy(directory), publicKeyBy(checkout));
  },
);
