/**
 * Plain `/auth` tells by the headers which proxy asks, and refuses what two proxies could have sent: a client's own
 * `X-Forwarded-Uri` reaches us untouched behind nginx, and its `X-Original-URL` behind Traefik.
 */
import { type Refusal, refuse } from '../../core/refusal.ts';
import { type Incoming, single } from '../http-request.ts';
import type { Dialect } from './dialect.ts';
import { traefik } from './forwarded.ts';
import { nginx, readNginx } from './nginx.ts';

/** Seed 004 mixes the families: `X-Original-URL` with `X-Forwarded-Method`. That is nginx. */
const plainNginx: Dialect = {
  ...nginx,
  read: (incoming) =>
    readNginx(incoming, single(incoming.headers['x-original-method'] ?? incoming.headers['x-forwarded-method'])),
};

export const detectDialect = ({ headers }: Incoming): Dialect | Refusal => {
  const saysNginx = headers['x-original-url'] !== undefined || headers['x-original-uri'] !== undefined;
  const saysForwarded = headers['x-forwarded-uri'] !== undefined;
  const twoMethods = headers['x-original-method'] !== undefined && headers['x-forwarded-method'] !== undefined;
  if ((saysNginx && saysForwarded) || twoMethods) {
    return refuse(
      'ambiguous_dialect',
      'X-Original-… and X-Forwarded-… both describe a request. Use the endpoint of your proxy, as in /auth/nginx.',
    );
  }
  if (saysNginx) return plainNginx;
  if (saysForwarded) return traefik;
  return refuse('incomplete_question', 'No header describes a request. Expected X-Original-URL or X-Forwarded-Uri.');
};
