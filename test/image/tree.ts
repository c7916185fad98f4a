/** What stands for a container here: a directory, and commands whose absolute paths are led below it. */
import { join, posix } from 'node:path';

export type Tree = Readonly<{
  root: string;
  env: Readonly<Record<string, string>>;
  workdir: string;
  user: number | undefined;
}>;

export const isRoot = process.getuid?.() === 0;

/** A path of the image, where it lies on this machine. */
export const inside = ({ root, workdir }: Tree, path: string): string => join(root, posix.resolve(workdir, path));

/** How to run a command of the image: by its user where we may choose one, in its environment, by our own Node. */
export const toRun = (tree: Tree, [program = '', ...words]: readonly string[]) => {
  const led = (text: string) => (text.startsWith('/') ? join(tree.root, text) : text);
  const script = program === '/nodejs/bin/node' ? words : [program, ...words];
  const change = ['setpriv', `--reuid=${tree.user}`, `--regid=${tree.user}`, '--clear-groups'];
  const as = isRoot && tree.user !== undefined ? change : [];
  const [command = '', ...args] = [...as, process.execPath, ...script.map(led)];
  const env = Object.fromEntries(Object.entries(tree.env).map(([name, value]) => [name, led(value)]));
  return { command, args, cwd: inside(tree, '.'), env: { PATH: process.env['PATH'] ?? '', ...env } };
};
