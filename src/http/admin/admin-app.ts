/** The admin listener: every call needs the admin token, and is answered by a body or a problem document. */
import { hash, timingSafeEqual } from 'node:crypto';
import Router, { type RouterContext } from '@koa/router';
import Koa from 'koa';
import { isRefusal, type Refusal, refuse } from '../../core/refusal.ts';
import type { Secret } from '../../core/secret.ts';
import type { KeyRegistry } from '../../keys/registry.ts';
import { problemReply } from '../problem.ts';
import { createKeyCalls, type KeyDefaults, type Outcome } from './keys.ts';

export type AdminOptions = Readonly<{
  /** Undefined only where the configuration was told to go without. */
  token: Secret | undefined;
  keys: KeyRegistry;
  keyDefaults: KeyDefaults;
  /** Told of every change, for the audit log. */
  onChange(event: Readonly<{ action: string; status: number; path: string }>): void;
  onError(error: unknown): void;
}>;

const answer = (context: Koa.Context, outcome: Outcome): void => {
  context.set('Cache-Control', 'no-store');
  if (!isRefusal(outcome)) {
    context.status = outcome.status;
    context.body = outcome.body ?? null;
    return;
  }
  const { status, headers, body } = problemReply(outcome);
  context.set(headers);
  context.status = status;
  context.body = body;
};

const digest = (text: string): Buffer => hash('sha256', text, 'buffer');

const missingToken = refuse('admin_token_required', 'Send the admin token as Authorization: Bearer …', {
  headers: { 'WWW-Authenticate': 'Bearer realm="sallyport-admin"' },
});

/** Compares digests, so that neither content nor length shows in the time it takes. */
const createTokenCheck = (token: Secret | undefined): ((context: Koa.Context) => Refusal | undefined) => {
  if (!token) return () => undefined;
  const expected = digest(token.reveal());
  return (context) => {
    const [, given = ''] = /^bearer +(\S+)$/i.exec(context.get('authorization')) ?? [];
    return timingSafeEqual(digest(given), expected) ? undefined : missingToken;
  };
};

export const createAdminApp = ({ token, keys, keyDefaults, onChange, onError }: AdminOptions): Koa => {
  const checkToken = createTokenCheck(token);
  const calls = createKeyCalls(keys, keyDefaults);
  const router = new Router();
  const answerWith = (call: (context: RouterContext) => Promise<Outcome>) => async (context: RouterContext) => {
    const outcome = await call(context);
    answer(context, outcome);
    if (context.method !== 'GET') onChange({ action: context.method, status: context.status, path: context.path });
  };

  router.post('/api/keys', answerWith(calls.create));
  router.get('/api/keys/:user_id', answerWith(calls.list));
  router.delete('/api/keys/:id', answerWith(calls.revoke));

  const app = new Koa();
  app.silent = true;
  app.use(async (context, next) => {
    try {
      const refusal = checkToken(context);
      if (refusal) answer(context, refusal);
      else await next();
    } catch (error) {
      onError(error);
      answer(context, refuse('store_unavailable', 'The call could not be carried out. Try again.'));
    }
  });
  app.use(router.routes());
  app.use((context) => {
    const known = router.match(context.path, context.method).path.flatMap(({ methods }) => methods);
    if (known.length === 0) return answer(context, refuse('not_found', 'There is nothing at this address.'));
    const allow = { headers: { Allow: known.join(', ') } };
    return answer(context, refuse('method_not_allowed', `Expected ${known.join(' or ')}.`, allow));
  });
  return app;
};
