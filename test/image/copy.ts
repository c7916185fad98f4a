/** COPY: from the checkout, from another stage, or what a heredoc brings. */
import {
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  lchownSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import type { Instruction } from './dockerfile.ts';
import { inside, isRoot, type Tree } from './tree.ts';

/** Whether `.dockerignore` keeps a path of the checkout out: it begins with `*` and lets some names in again. */
export const createIgnored = (checkout: string): ((path: string) => boolean) => {
  const lines = readFileSync(join(checkout, '.dockerignore'), 'utf8').split('\n');
  const rules = lines.filter((line) => line !== '' && !line.startsWith('#'));
  const endings = rules.filter((rule) => rule.startsWith('**/*')).map((rule) => rule.slice('**/*'.length));
  const letIn = rules.filter((rule) => rule.startsWith('!')).map((rule) => rule.slice(1));
  if (rules[0] !== '*' || rules.length !== 1 + endings.length + letIn.length)
    throw new Error('.dockerignore: not understood');
  return (path) =>
    endings.some((ending) => path.endsWith(ending)) ||
    !letIn.some((name) => path === name || path.startsWith(`${name}/`));
};

const give = (paths: readonly string[], { chown, chmod }: Instruction['flags']): void => {
  const [user = 0, group = 0] = chown?.split(':').map(Number) ?? [];
  for (const path of paths) {
    if (chown !== undefined && isRoot) lchownSync(path, user, group);
    if (chmod !== undefined) chmodSync(path, Number.parseInt(chmod, 8));
  }
};

/** The content of a directory is copied, not the directory; a file goes into a directory that ends in a slash. */
const placeOf = (path: string, to: string, target: string): string =>
  statSync(path).isFile() && target.endsWith('/') ? join(to, basename(path)) : to;

export type CopyFrom = Readonly<{
  checkout: string;
  ignored(path: string): boolean;
  stages: ReadonlyMap<string, Tree>;
}>;

export const copy = (
  stage: Tree,
  { flags, words, content }: Instruction,
  { checkout, ignored, stages }: CopyFrom,
): void => {
  const target = words.at(-1) ?? '';
  const to = inside(stage, target);
  mkdirSync(dirname(to), { recursive: true });
  if (content !== undefined) {
    writeFileSync(to, content);
    give([to], flags);
    return;
  }
  const from = stages.get(flags['from'] ?? '');
  const wanted = (path: string) => from !== undefined || !ignored(relative(checkout, path));
  for (const source of words.slice(0, -1)) {
    const path = from ? inside(from, source) : join(checkout, source);
    if (!wanted(path)) throw new Error(`.dockerignore keeps ${source} out`);
    const place = placeOf(path, to, target);
    // Like BuildKit, it gives away what it makes, and not a directory that was there before.
    const isThere = existsSync(place);
    cpSync(path, place, { recursive: true, filter: wanted, preserveTimestamps: true });
    const below = statSync(path).isDirectory() ? globSync('**', { cwd: path }) : [];
    const names = below.filter((name) => name !== '.');
    const made = names.map((name) => join(place, name)).filter((copied) => existsSync(copied));
    give(isThere ? made : [place, ...made], flags);
  }
};
