import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';

const template = join(import.meta.dirname, '../config/template.yaml');
const schema = join(import.meta.dirname, '../../sallyport.schema.json');

/** The starting configuration, with the reference to its schema made to fit a file at `path`. */
export const startingConfig = (path: string): string => {
  const reference = relative(dirname(path), schema).split(sep).join('/');
  return readFileSync(template, 'utf8').replace(/\$schema=\S+/, () => `$schema=${reference}`);
};

export type InitOptions = Readonly<{ path?: string | undefined; cwd: string; force?: boolean | undefined }>;

export type Outcome = Readonly<{ exitCode: 0 | 1; output: string }>;

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Writes a file to begin with. One that is already there is kept, unless `force`. */
export const init = ({ path = 'sallyport.yaml', cwd, force = false }: InitOptions): Outcome => {
  const file = resolve(cwd, path);
  try {
    writeFileSync(file, startingConfig(file), { flag: force ? 'w' : 'wx' });
  } catch (error) {
    const exists = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    return {
      exitCode: 1,
      output: exists ? `${path} is already there; --force writes over it.` : `${path}: ${reasonOf(error)}`,
    };
  }
  const next = 'Set SALLYPORT_ADMIN_TOKEN (openssl rand -hex 24), then check it with: sallyport validate';
  return { exitCode: 0, output: `Wrote ${path}. ${next}` };
};

/** `sallyport init`: gives the exit code. */
export const runInit = (path: string | undefined, { force, json }: Readonly<Record<string, unknown>>): number => {
  const { exitCode, output } = init({ path, cwd: process.cwd(), force: force === true });
  const text = json ? JSON.stringify({ written: exitCode === 0, message: output }) : output;
  process[exitCode === 0 || json ? 'stdout' : 'stderr'].write(`${text}\n`);
  return exitCode;
};
