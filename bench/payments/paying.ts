/** What is measured of payments, and by what: one process that takes them. */
import type { Payments } from '../../src/assemble/payments.ts';
import type { Config } from '../../src/config/config.ts';
import { isRefusal } from '../../src/core/refusal.ts';
import type { AuthRequest } from '../../src/core/request.ts';

const request: AuthRequest = {
  id: 'request-1',
  method: 'GET',
  scheme: 'https',
  host: 'shop.example.com',
  path: '/paid/1',
  query: '',
  clientIp: '203.0.113.7',
  header: () => undefined,
  findHeaderName: () => undefined,
};

/** Pays at the first rule. Throws where a token does not open it. */
export const createPaying = (payments: Payments, config: Config): ((token: string) => Promise<void>) => {
  const [rule] = config.rules;
  const charge = rule && payments.paywallFor(rule)?.charge;
  if (!charge) throw new Error('the first rule has no price');
  return async (value) => {
    const presented = { kind: 'cashu', value, header: 'x-cashu' } as const;
    const identified = await payments.identifiers.cashu(request, presented, 'enforce');
    if (identified.outcome !== 'identified') throw new Error('the token was not read');
    const receipt = await charge(request, identified.identity, 'enforce');
    if (receipt === undefined || isRefusal(receipt)) throw new Error(`not paid: ${receipt?.code}`);
  };
};

export const millisecondsOf = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1000;

export const threadMs = (): number => millisecondsOf(process.threadCpuUsage());

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** The longest turn of the event loop while the work lasts, in milliseconds of its thread. */
export const longestTurn = async (work: () => Promise<unknown>): Promise<number> => {
  let longestMs = 0;
  let running = true;
  let last = threadMs();
  const turn = (): void => {
    const now = threadMs();
    longestMs = Math.max(longestMs, now - last);
    last = now;
    if (running) setImmediate(turn);
  };
  setImmediate(turn);
  await work();
  running = false;
  return longestMs;
};
