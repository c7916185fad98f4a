const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const registered = new Set<() => void>();

/**
 * Whoever outlives what a test starts: the context of a test (`t`), or `{ after }` of `node:test` for a whole file.
 * What is given an owner is stopped when the owner ends, whether it passed or failed.
 */
export type Owner = Readonly<{ after(cleanUp: () => Promise<void>): void }>;

/**
 * Registers work for the end of this process, for the case that the owner never gets to it: an uncaught error, Ctrl-C,
 * the runner's own timeout. It must be synchronous; newest first. Returns the function that takes it back.
 */
export function atExit(cleanUp: () => void): () => void {
  if (registered.size === 0) listen();
  registered.add(cleanUp);
  return () => registered.delete(cleanUp);
}

function cleanUpAll(): void {
  for (const cleanUp of [...registered].reverse()) cleanUp();
  registered.clear();
}

let listening = false;

function listen(): void {
  if (listening) return;
  listening = true;
  process.once('exit', cleanUpAll);
  // Node does not emit `exit` for a process that dies by a signal.
  for (const signal of signals) {
    process.once(signal, () => {
      cleanUpAll();
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    });
  }
}
