/**
 * Carries out a Dockerfile without a container engine: a stage is a directory, and programs are those of this machine. Every
 * stage is built at the same place, for the compile cache knows files by their paths. `npm ci` copies what the lock file
 * names from the checkout's node_modules: tests need no network.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { basename, join, posix } from 'node:path';
import { type CopyFrom, copy, createIgnored } from './copy.ts';
import { type Instruction, pairsOf, type Stage } from './dockerfile.ts';
import { inside, type Tree, toRun } from './tree.ts';

type LockedPackage = Readonly<{ dev?: boolean; optional?: boolean; devOptional?: boolean }>;

const installLocked = (checkout: string, directory: string): void => {
  const lock: { packages: Record<string, LockedPackage> } = JSON.parse(
    readFileSync(join(directory, 'package-lock.json'), 'utf8'),
  );
  for (const [path, { dev, optional, devOptional }] of Object.entries(lock.packages)) {
    if (path === '' || dev || optional || devOptional) continue;
    const filter = (from: string) => basename(from) !== '.cache';
    cpSync(join(checkout, path), join(directory, path), { recursive: true, filter });
  }
};

const runInShell = (checkout: string, stage: Tree, text: string): void => {
  const cwd = inside(stage, '.');
  if (text === 'npm ci --omit=dev --omit=optional --ignore-scripts') {
    installLocked(checkout, cwd);
    return;
  }
  if (/(?:^|\s)\/|(?:^|[;&|{]\s*)npm\s/.test(text)) throw new Error(`RUN ${text}: not understood`);
  const { status, stderr } = spawnSync('sh', ['-ec', text], { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`RUN ${text} failed:\n${stderr}`);
};

const runPlainly = (stage: Tree, words: readonly string[]): void => {
  const { command, args, ...options } = toRun(stage, words);
  const { status, stdout, stderr } = spawnSync(command, args, { ...options, encoding: 'utf8' });
  if (status !== 0) throw new Error(`RUN ${words.join(' ')} failed:\n${stdout}${stderr}`);
};

/** The stage as it is after an instruction. What describes the image alone (LABEL, EXPOSE, …) changes nothing. */
const carryOut = (stage: Tree, instruction: Instruction, from: CopyFrom): Tree => {
  const { name, words, text, form } = instruction;
  switch (name) {
    case 'ENV':
      return { ...stage, env: { ...stage.env, ...pairsOf(text) } };
    case 'USER':
      return { ...stage, user: Number(text.split(':')[0]) };
    case 'WORKDIR': {
      const moved = { ...stage, workdir: posix.resolve(stage.workdir, text) };
      mkdirSync(inside(moved, '.'), { recursive: true });
      return moved;
    }
    case 'COPY':
      copy(stage, instruction, from);
      return stage;
    case 'RUN':
      if (form === 'exec') runPlainly(stage, words);
      else runInShell(from.checkout, stage, text);
      return stage;
    default:
      return stage;
  }
};

/** Builds every stage below `directory` and gives the last one. */
export const buildPlainly = (stages: readonly Stage[], checkout: string, directory: string): Tree => {
  const built = new Map<string, Tree>();
  const from = { checkout, ignored: createIgnored(checkout), stages: built };
  const root = join(directory, 'image');
  let stage: Tree = { root, env: {}, workdir: '/', user: undefined };
  for (const { name, instructions } of stages) {
    mkdirSync(join(root, 'tmp'), { recursive: true });
    chmodSync(join(root, 'tmp'), 0o1777);
    stage = { root, env: {}, workdir: '/', user: undefined };
    for (const instruction of instructions) stage = carryOut(stage, instruction, from);
    if (name === '') continue;
    const aside = join(directory, `stage-${name}`);
    renameSync(root, aside);
    built.set(name, { ...stage, root: aside });
  }
  return stage;
};
