/** `sallyport sessions`: works on the store itself, whether the service runs or not. */
import { type CommandOptions, fail, say } from './load.ts';
import { withStores } from './with-stores.ts';

export const revokeSessions = (payment: string, options: CommandOptions): Promise<number> =>
  withStores(options, async ({ ledger }) => {
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
  });
