import { setTimeout as pause } from 'node:timers/promises';

/**
 * Waits until `condition` holds, asking every few milliseconds; a condition that throws does not hold yet.
 * Rejects at the deadline with `what` was waited for, and the last error as its cause.
 */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  { deadlineMs = 10_000, everyMs = 10 }: { deadlineMs?: number; everyMs?: number } = {},
): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  let cause: unknown;
  while (true) {
    try {
      if (await condition()) return;
    } catch (error) {
      cause = error;
    }
    if (Date.now() >= deadline) throw new Error(`Waited ${deadlineMs} ms in vain until ${what}`, { cause });
    await pause(everyMs);
  }
}
