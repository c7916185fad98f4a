import { join } from 'node:path';
import { type PolicyFiles, runOpa, writePolicies } from './opa.ts';
import { createWorkdir } from './workdir.ts';

type Owner = { after(cleanUp: () => void): void };

type Options = Readonly<{
  files: PolicyFiles;
  /** Such as `orders/allow`. */
  entrypoints: readonly string[];
  /** Of the command line, for signatures. */
  flags?: readonly string[];
}>;

/** A bundle made by `opa build -t wasm`, and the folder that it is in, which goes with its owner. */
export const compilePolicies = (owner: Owner, { files, entrypoints, flags = [] }: Options) => {
  const { path: directory, remove } = createWorkdir('policies');
  owner.after(remove);
  writePolicies(join(directory, 'policies'), files);
  const wanted = entrypoints.flatMap((entrypoint) => ['-e', entrypoint]);
  runOpa(['build', '-t', 'wasm', ...wanted, ...flags, '-o', 'bundle.tar.gz', '-b', 'policies'], directory);
  return { directory, file: join(directory, 'bundle.tar.gz') };
};
