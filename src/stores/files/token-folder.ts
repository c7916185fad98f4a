import { mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';

const sync = async (path: string): Promise<void> => {
  const handle = await open(path, 'r');
  await handle.sync().finally(() => handle.close());
};

/**
 * Writes tokens to files of their own, `ID.txt`, that only their owner can read. A file is whole and on the disk when the promise
 * resolves, or is not there.
 */
export const createTokenFolder =
  (folder: string) =>
  async (id: string, token: string): Promise<void> => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, `${id}.txt`);
    const draft = `${path}.part`;
    const file = await open(draft, 'w', 0o600);
    await file
      .writeFile(`${token}\n`)
      .then(() => file.sync())
      .finally(() => file.close());
    await rename(draft, path);
    await sync(folder);
  };
