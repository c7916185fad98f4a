import { setPriority } from 'node:os';

/** Under full load of a single processor, as much of it as the events of the rest need: none of them is dropped. */
const PRIORITY = 4;

/** For a thread that nobody waits for: gives way to those who answer requests where processors are few. */
export const giveWay = (): void => {
  // Linux alone has a priority for each thread.
  if (process.platform === 'linux') setPriority(PRIORITY);
};
