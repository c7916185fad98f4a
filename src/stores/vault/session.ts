/** The token that Vault is asked with: one login at a time, renewed at two thirds of its life, and made again where that is refused. */
import type { Secret } from '../../core/secret.ts';
import { type VaultCall, VaultFault } from './call.ts';
import { tokenOf, type VaultToken } from './login.ts';

export type VaultSession = Readonly<{
  token(): Promise<Secret>;
  /** Vault refused this token: where it does so altogether, or a login may by now allow more, the next one is another. */
  refused(token: Secret): Promise<void>;
  /** Renews the token where it is time. Called every second or so; throws `VaultFault` where it cannot be kept. */
  keepAlive(): Promise<void>;
  /** Gives back a token of our own. */
  close(): Promise<void>;
}>;

export type VaultSessionOptions = Readonly<{
  call: VaultCall;
  logIn(): Promise<VaultToken>;
  /** A token that was given cannot be made again, and is not ours to revoke. */
  isGiven: boolean;
  now(): number;
}>;

type Held = VaultToken & Readonly<{ renewAtMs: number; endsAtMs: number; firstLeaseMs: number }>;

/** Between two tries to renew while Vault is away. */
const RETRY_MS = 5_000;

/** A path that is forbidden costs no more than one login in this time: what its role is given meanwhile, only a login finds out. */
const LOGIN_AGAIN_MS = 3_600_000;

const hold = (token: VaultToken, nowMs: number, firstLeaseMs: number): Held => ({
  ...token,
  renewAtMs: token.leaseMs === 0 ? Number.POSITIVE_INFINITY : nowMs + (token.leaseMs * 2) / 3,
  endsAtMs: token.leaseMs === 0 ? Number.POSITIVE_INFINITY : nowMs + token.leaseMs,
  firstLeaseMs,
});

export const createVaultSession = ({ call, logIn, isGiven, now }: VaultSessionOptions): VaultSession => {
  let held: Held | undefined;
  let flight: Promise<Held> | undefined;
  let leaving: Promise<unknown> = Promise.resolve();
  let isClosed = false;
  let loggedInAtMs = Number.NEGATIVE_INFINITY;

  /** Nobody uses it any more: it is not left to its end. One that was given is not ours. */
  const giveBack = (token: Secret): void => {
    if (isGiven) return;
    const given = call('POST', 'auth/token/revoke-self', { token, body: {} }).catch(() => undefined);
    leaving = Promise.all([leaving, given]).then(() => undefined);
  };

  const begin = async (): Promise<Held> => {
    const token = await logIn();
    if (isClosed) {
      giveBack(token.value);
      throw new VaultFault('Vault is not asked any more');
    }
    if (held) giveBack(held.value);
    held = hold(token, now(), token.leaseMs);
    loggedInAtMs = now();
    return held;
  };

  const login = (): Promise<Held> => {
    flight ??= begin().finally(() => {
      flight = undefined;
    });
    return flight;
  };

  const renew = async (old: Held): Promise<void> => {
    held = { ...old, renewAtMs: now() + RETRY_MS };
    const answer = await call('POST', 'auth/token/renew-self', { token: old.value, body: {} });
    // Somebody has found out meanwhile that it is refused.
    if (held?.value !== old.value) return;
    const renewed = answer.status === 200 ? tokenOf(answer) : undefined;
    // Near the end of its longest life a token is renewed for less and less.
    if (renewed && renewed.leaseMs >= old.firstLeaseMs / 2) {
      held = { ...hold(renewed, now(), old.firstLeaseMs), value: old.value };
    } else if (!isGiven) {
      await login();
    } else if (renewed) {
      held = { ...hold(renewed, now(), old.firstLeaseMs), value: old.value };
      throw new VaultFault('the token of vault.auth.token comes to the end of its longest life');
    } else {
      throw new VaultFault(`the token of vault.auth.token cannot be renewed (${answer.status})`);
    }
  };

  return {
    async token() {
      const isOver = held !== undefined && held.endsAtMs <= now() && !isGiven;
      return (held && !isOver ? held : await login()).value;
    },

    async refused(token) {
      const isRecent = now() - loggedInAtMs < LOGIN_AGAIN_MS;
      if (isRecent && (await call('GET', 'auth/token/lookup-self', { token })).status === 200) return;
      if (held?.value !== token) return;
      held = undefined;
      giveBack(token);
    },

    async keepAlive() {
      if (!held || held.renewAtMs > now()) return;
      if (held.isRenewable) return renew(held);
      if (!isGiven) return void (await login());
      held = { ...held, renewAtMs: held.endsAtMs };
    },

    async close() {
      isClosed = true;
      await flight?.catch(() => undefined);
      if (held) giveBack(held.value);
      held = undefined;
      await leaving;
    },
  };
};
