/** `sallyport wallet reseal`: the secrets of the ledger under the present key, so that a former one can be dropped. */
import { resealLedger } from '../assemble/reseal.ts';
import { type CommandOptions, fail, loadToServe, say } from './load.ts';
import { messageOf } from './with-wallet.ts';

const MOST_TOLD = 10;

/** 1 where anything is still sealed by another key. */
export const reseal = async (options: CommandOptions): Promise<number> => {
  const loaded = await loadToServe(options);
  if (!loaded) return 1;
  try {
    const { sealed, left, problems } = await resealLedger(loaded.config);
    const isDone = left === 0 && problems.length === 0;
    if (options.json) {
      say(JSON.stringify({ sealed, left, problems, done: isDone }));
      return isDone ? 0 : 1;
    }
    const counts = Object.entries(sealed).map(([table, count]) => `${count} ${table}`);
    say(`sealed anew: ${counts.join(', ')}`);
    for (const problem of problems.slice(0, MOST_TOLD)) fail(problem);
    if (problems.length > 0)
      fail(`${problems.length} cannot be opened and stay as they are. Name the key that sealed them`);
    if (left > 0)
      fail(`${left} changed meanwhile. Run it again, once every Sallyport has this key as cashu.encryption_key`);
    if (isDone) say('all is sealed with cashu.encryption_key: cashu.former_encryption_keys can go');
    return isDone ? 0 : 1;
  } catch (error) {
    fail(`the ledger cannot be sealed: ${messageOf(error)}`);
    return 1;
  }
};
