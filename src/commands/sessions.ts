/** `sallyport sessions`: works on the store itself, whether the service runs or not. */
import { openStores } from '../assemble/stores.ts';
import { type CommandOptions, fail, loadToServe, say } from './load.ts';

export const revokeSessions = async (payment: string, options: CommandOptions): Promise<number> => {
  const loaded = await loadToServe(options);
  if (!loaded) return 1;
  const { ledger, close } = await openStores(loaded.config);
  try {
    const revoked = await ledger.revokeSessions(payment, Date.now());
    if (!revoked) {
      fail(`there is no payment ${payment}; "sallyport wallet history" lists them`);
      return 1;
    }
    const { closed } = revoked;
    say(
      options.json
        ? JSON.stringify({ payment, closed })
        : `${closed} ${closed === 1 ? 'session' : 'sessions'} closed, in a running service within a second; whoever has the token can open another`,
    );
    return 0;
  } finally {
    await close();
  }
};
