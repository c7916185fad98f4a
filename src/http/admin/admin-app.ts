/** The admin listener: every call needs the admin token, and is answered by a body or a problem document. */
import Router, { type RouterContext } from '@koa/router';
import Koa, { type Context, type Next } from 'koa';
import { isRefusal, type Refusal, refuse } from '../../core/refusal.ts';
import type { Secret } from '../../core/secret.ts';
import type { FailureThrottle } from '../../identify/failure-throttle.ts';
import type { KeyRegistry } from '../../keys/registry.ts';
import { problemReply } from '../problem.ts';
import { replyByKoa } from '../reply.ts';
import { createTokenCheck } from './admin-token.ts';
import { createKeyCalls, type KeyDefaults } from './keys.ts';
import type { Change, Outcome } from './outcome.ts';
import { createRevokeCall, type RevokeSessions } from './sessions.ts';
import { createReportCall, type ReportUse, reportPath } from './units.ts';

export type AdminEvent = Readonly<{ status: number; client_ip: string }> &
  (Change | Readonly<{ action: 'refused'; code: string }>);

export type AdminOptions = Readonly<{
  /** Undefined only where the configuration was told to go without. */
  token: Secret | undefined;
  /** Opens the reports of units alone, for applications. */
  usageToken?: Secret | undefined;
  /** Counts wrong tokens by address. */
  throttle?: FailureThrottle;
  keys: KeyRegistry;
  keyDefaults: KeyDefaults;
  /** Left out where nothing is sold. */
  payments?: Readonly<{ reportUse: ReportUse; revokeSessions: RevokeSessions }> | undefined;
  /** Told of every change, and of every call without the right token, for the audit log. */
  onChange(event: AdminEvent): void;
  onError(error: unknown): void;
}>;

const answer = (context: Context, outcome: Outcome): void => {
  context.set('Cache-Control', 'no-store');
  if (!isRefusal(outcome)) {
    context.status = outcome.status;
    context.body = outcome.body ?? null;
    return;
  }
  replyByKoa(context, problemReply(outcome));
};

const unavailable = refuse('store_unavailable', 'The call could not be carried out. Try again.', {
  headers: { 'Retry-After': '1' },
});

const isDecodable = (path: string): boolean => {
  try {
    return decodeURIComponent(path) !== '';
  } catch {
    return false;
  }
};

export const createAdminApp = (options: AdminOptions): Koa => {
  const { token, usageToken, throttle, payments, onChange, onError } = options;
  const checkToken = createTokenCheck(token && [token], throttle);
  const checkReporter = usageToken ? createTokenCheck(token && [token, usageToken], throttle) : checkToken;
  const calls = createKeyCalls(options.keys, options.keyDefaults);
  const router = new Router();

  const answerWith = (call: (context: RouterContext) => Promise<Outcome>) => async (context: RouterContext) => {
    const outcome = await call(context);
    answer(context, outcome);
    if (!isRefusal(outcome) && outcome.change) {
      onChange({ ...outcome.change, status: context.status, client_ip: context.ip });
    }
  };

  router.post('/api/keys', answerWith(calls.create));
  router.get('/api/keys/:user_id', answerWith(calls.list));
  router.delete('/api/keys/:id', answerWith(calls.revoke));
  if (payments) {
    router.post(reportPath, answerWith(createReportCall(payments.reportUse)));
    router.delete('/api/payments/:id/sessions', answerWith(createRevokeCall(payments.revokeSessions)));
  }

  const guard = async (context: Context, next: Next): Promise<void> => {
    const check = context.path === reportPath ? checkReporter : checkToken;
    const refusal = check(context.req);
    if (!refusal) return next();
    answer(context, refusal);
    onChange({ action: 'refused', code: refusal.code, status: context.status, client_ip: context.ip });
  };

  const catchErrors = async (context: Context, next: Next): Promise<void> => {
    try {
      await next();
    } catch (error) {
      onError(error);
      answer(context, unavailable);
    }
  };

  const checkPath = (context: Context, next: Next): Promise<void> | void =>
    isDecodable(context.path) ? next() : answer(context, refuse('bad_request', 'The path has a broken escape.'));

  const refusalOf = ({ path, method }: Context): Refusal => {
    const known = router.match(path, method).path.flatMap(({ methods }) => methods);
    if (known.length === 0) return refuse('not_found', 'There is nothing at this address.');
    const headers = { Allow: known.join(', ') };
    return refuse('method_not_allowed', `Expected ${known.join(' or ')}.`, { headers });
  };

  const app = new Koa();
  app.silent = true;
  app.use(catchErrors).use(guard).use(checkPath).use(router.routes());
  app.use((context) => answer(context, refusalOf(context)));
  return app;
};
