import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atExit, type Owner } from './last-resort.ts';

export type Workdir = Readonly<{ path: string; remove(): void }>;

/** A temporary directory of its own (mode 0700), removed with its owner, or at the latest with this process. */
export function createWorkdir(name: string, owner?: Owner): Workdir {
  const path = mkdtempSync(join(tmpdir(), `sallyport-${name}-`));
  const removeNow = () => rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  const forget = atExit(removeNow);
  const remove = () => {
    forget();
    removeNow();
  };
  owner?.after(async () => remove());
  return { path, remove };
}
