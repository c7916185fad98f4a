/** What one request wants of whoever pays, in the ledger's words. */
import { randomBytes } from 'node:crypto';
import type { Provision } from '../core/pod.ts';
import type { AuthRequest } from '../core/request.ts';
import type { Debit } from './ledger.ts';
import type { Terms } from './quote.ts';
import { repeatOf } from './repeat.ts';

export type WantedOptions = Readonly<{
  provision?: Pick<Provision, 'terms' | 'problem'> | undefined;
  debitOnceWithinMs: number;
  now: () => number;
}>;

export const createDebits =
  ({ provision, debitOnceWithinMs, now }: WantedOptions) =>
  (request: AuthRequest, { purchase, amount, unit, buys }: Terms): Debit => {
    const nowMs = now();
    const wanted = 'units' in buys ? { ...buys, useId: `use_${randomBytes(16).toString('hex')}` } : buys;
    const debit = { rule: purchase, amount, unit, buys: wanted, nowMs, ...repeatOf(request, debitOnceWithinMs, nowMs) };
    return provision ? { ...debit, pod: { ...provision.terms, canStart: provision.problem() === undefined } } : debit;
  };
