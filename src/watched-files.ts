/** Files whose changes are noticed: whoever renews a certificate or a secret need not restart us. */
import { readFileSync } from 'node:fs';

export type WatchedFiles = Readonly<{
  current: readonly Buffer[];
  /** `use` throws where the files cannot be used, as while only some of them are new: what was used before stays so. */
  onChange(use: (contents: readonly Buffer[]) => void): void;
  close(): void;
}>;

/** Kubernetes swaps a symbolic link, which only a look at the files themselves notices. */
const LOOK_EVERY_MS = 10_000;

const readAll = (files: readonly string[]): readonly Buffer[] => files.map((file) => readFileSync(file));

const isSame = (some: readonly Buffer[], others: readonly Buffer[]): boolean =>
  some.length === others.length && some.every((content, index) => others[index]?.equals(content) === true);

/** Throws where a file cannot be read. `onKept` is told once of each reason why changes are not used. */
export const watchFiles = (
  files: readonly string[],
  onKept: (error: unknown) => void,
  lookEveryMs: number = LOOK_EVERY_MS,
): WatchedFiles => {
  const current = readAll(files);
  let seen = current;
  let told = '';
  let timer: NodeJS.Timeout | undefined;

  const look = (use: (contents: readonly Buffer[]) => void): void => {
    try {
      const found = readAll(files);
      if (isSame(found, seen)) return;
      seen = found;
      told = '';
      use(found);
    } catch (error) {
      if (String(error) !== told) onKept(error);
      told = String(error);
    }
  };

  return {
    current,
    onChange(use) {
      timer = setInterval(look, lookEveryMs, use).unref();
    },
    close: () => clearInterval(timer),
  };
};
