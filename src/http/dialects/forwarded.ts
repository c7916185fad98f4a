/**
 * The family of proxies that describe the request in `X-Forwarded-Method`, `-Proto`, `-Host` and `-Uri`, and hand any answer
 * but a 2xx to the client as it is.
 */
import { isRefusal, refuse } from '../../core/refusal.ts';
import { single, toAuthRequest } from '../http-request.ts';
import { problemReply } from '../problem.ts';
import { allowLines } from './allow-lines.ts';
import { echoCredentials, echoedHeaders } from './credential-echo.ts';
import type { Dialect } from './dialect.ts';
import { ruleParameter } from './rule-parameter.ts';

const forwarded = (name: string): Dialect => ({
  name,
  needsTrust: true,
  tellsBody: true,

  read(incoming) {
    const { headers } = incoming;
    const method = single(headers['x-forwarded-method']);
    const target = single(headers['x-forwarded-uri']);
    const host = single(headers['x-forwarded-host']);
    // What the proxy leaves out, a client could say.
    if (method === undefined || target === undefined || host === undefined) {
      return refuse(
        'incomplete_question',
        'X-Forwarded-Method, X-Forwarded-Host or X-Forwarded-Uri is missing: the proxy must set them.',
      );
    }
    const named = ruleParameter(incoming, target);
    if (isRefusal(named)) return named;
    const request = toAuthRequest(incoming, { method, host, target, scheme: single(headers['x-forwarded-proto']) });
    return isRefusal(request) ? request : { request, ...named };
  },

  allow: (decision, incoming) => ({
    status: 200,
    headers: [...allowLines(decision, echoedHeaders), echoCredentials(decision, incoming)],
  }),

  deny: problemReply,
});

export const traefik = forwarded('traefik');
export const caddy = forwarded('caddy');
export const haproxy = forwarded('haproxy');
