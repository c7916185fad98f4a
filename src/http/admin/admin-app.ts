/** The admin listener: every call but those open to anybody needs the admin token, and is answered by a body or a problem document. */
import Router from '@koa/router';
import Koa, { type Context, type Next } from 'koa';
import { isRefusal, type Refusal, refuse } from '../../core/refusal.ts';
import type { Secret } from '../../core/secret.ts';
import type { FailureThrottle } from '../../identify/failure-throttle.ts';
import { problemReply } from '../problem.ts';
import { replyByKoa } from '../reply.ts';
import { createTokenCheck } from './admin-token.ts';
import type { Endpoint } from './endpoint.ts';
import { createOpenApiCall } from './openapi-call.ts';
import type { Change, Outcome } from './outcome.ts';

export type AdminEvent = Readonly<{ status: number; client_ip: string }> &
  (Change | Readonly<{ action: 'refused'; code: string }>);

export type AdminOptions = Readonly<{
  /** Undefined only where the configuration was told to go without. */
  token: Secret | undefined;
  /** Opens the reports of units alone, for applications. */
  usageToken?: Secret | undefined;
  /** Counts wrong tokens by address. */
  throttle?: FailureThrottle;
  /** Every call there is, but the one for the document of them. */
  endpoints: readonly Endpoint[];
  /** Told of every change, and of every call without the right token, for the audit log. */
  onChange(event: AdminEvent): void;
  onError(error: unknown): void;
}>;

const answer = (context: Context, outcome: Outcome): void => {
  context.set('Cache-Control', 'no-store');
  if (!isRefusal(outcome)) {
    context.set(outcome.headers ?? {});
    context.status = outcome.status;
    context.body = outcome.body ?? null;
    return;
  }
  replyByKoa(context, problemReply(outcome));
};

const unavailable = refuse('store_unavailable', 'The call could not be carried out. Try again.', {
  headers: { 'Retry-After': '1' },
});

/** Gives whether each name in it is one that a database can look for: none keeps a NUL. */
const isReadable = (path: string): boolean => {
  try {
    return !decodeURIComponent(path).includes('\0');
  } catch {
    return false;
  }
};

export const createAdminApp = (options: AdminOptions): Koa => {
  const { token, usageToken, throttle, onChange, onError } = options;
  const checkToken = createTokenCheck(token && [token], throttle);
  const checkReporter = usageToken ? createTokenCheck(token && [token, usageToken], throttle) : checkToken;
  const endpoints = [...options.endpoints, createOpenApiCall(options.endpoints)];
  const pathsFor = (access: Endpoint['access']): ReadonlySet<string> =>
    new Set(endpoints.filter((one) => one.access === access).map(({ path }) => path));
  const [openPaths, reporterPaths] = [pathsFor('anybody'), pathsFor('reporter')];
  // A call has one address: without the user, that of a user's keys is not that of all keys.
  const router = new Router({ sensitive: true, strict: true });

  for (const { path, method, answer: call } of endpoints) {
    router.register(path, [method], async (context) => {
      const outcome = await call(context);
      answer(context, outcome);
      if (!isRefusal(outcome) && outcome.change) {
        onChange({ ...outcome.change, status: context.status, client_ip: context.ip });
      }
    });
  }

  const guard = async (context: Context, next: Next): Promise<void> => {
    if (openPaths.has(context.path)) return next();
    const check = reporterPaths.has(context.path) ? checkReporter : checkToken;
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
    isReadable(context.path)
      ? next()
      : answer(context, refuse('bad_request', 'The path has a broken escape, or a NUL.'));

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
