/**
 * nginx `auth_request` and ingress-nginx `auth-url`. The module knows 2xx, 401 and 403; every other status becomes a 500 for
 * the client, and it drops its connection for every answer that has a body. So the true status of a refusal travels in
 * `X-Auth-Status`, and the challenge endpoint gives the whole of it.
 */
import { perObject } from '../../core/per-object.ts';
import { isRefusal, type Refusal, refusalKinds, refuse } from '../../core/refusal.ts';
import { HeaderLines } from '../header-lines.ts';
import { type Description, type Incoming, single, toAuthRequest } from '../http-request.ts';
import type { Reply } from '../reply.ts';
import { allowLines } from './allow-lines.ts';
import { echoCredentials, echoedHeaders } from './credential-echo.ts';
import type { Dialect } from './dialect.ts';
import { ruleParameter } from './rule-parameter.ts';

type Url = Readonly<{ scheme: string; host: string; target: string }>;

/** `http://host/path`. What else may end a host is for the check of the host to refuse. */
const splitUrl = (url: string): Url | undefined => {
  const scheme = ['http', 'https'].find((name) => url.startsWith(`${name}://`));
  if (scheme === undefined) return undefined;
  const hostAt = scheme.length + 3;
  const slash = url.indexOf('/', hostAt);
  return slash < 0
    ? { scheme, host: url.slice(hostAt), target: '/' }
    : { scheme, host: url.slice(hostAt, slash), target: url.slice(slash) };
};

/**
 * `X-Original-URL` is `$scheme://$http_host$request_uri`. `X-Original-URI` alone will not do: where nginx sets nothing else, a
 * client adds an `X-Original-URL` with the host that it likes, and nobody can tell who wrote which.
 */
const describe = ({ headers }: Incoming, method: string | undefined): Description | Refusal => {
  const url = single(headers['x-original-url']);
  const uri = single(headers['x-original-uri']);
  if (url === undefined) {
    return refuse(
      'incomplete_question',
      'X-Original-URL is missing: the proxy must set it to $scheme://$host$request_uri. X-Original-URI names no host.',
    );
  }
  const described = splitUrl(url);
  if (described === undefined) return refuse('incomplete_question', 'X-Original-URL is not an http or https URL.');
  if (uri !== undefined && uri !== described.target) {
    return refuse('ambiguous_dialect', 'X-Original-URL and X-Original-URI describe different requests.');
  }
  return { method, ...described };
};

export const readNginx = (incoming: Incoming, method: string | undefined) => {
  if (method === undefined) {
    return refuse('incomplete_question', 'X-Original-Method is missing: the proxy must set it to $request_method.');
  }
  const description = describe(incoming, method);
  if (isRefusal(description)) return description;
  const named = ruleParameter(incoming, description.target);
  if (isRefusal(named)) return named;
  const request = toAuthRequest(incoming, description);
  return isRefusal(request) ? request : { request, ...named };
};

/** Of a 401 without further directives nginx hands nothing on but this header: it carries the payment request. */
const paymentChallenge = ({ headers }: Refusal): string => {
  const request = headers?.['X-Cashu'];
  return request === undefined ? 'Cashu realm="sallyport"' : `Cashu realm="sallyport", request="${request}"`;
};

/** Invitations are made once for each rule and refused many times. */
const deny = perObject((refusal: Refusal): Reply => {
  const { status } = refusalKinds[refusal.code];
  const wantsCredential = status === 401 || status === 402;
  const headers: Record<string, string> = { ...refusal.headers, 'X-Auth-Status': String(status) };
  if (wantsCredential) headers['WWW-Authenticate'] ??= paymentChallenge(refusal);
  return { status: wantsCredential ? 401 : 403, headers: [new HeaderLines(headers)] };
});

export const nginx: Dialect = {
  name: 'nginx',
  needsTrust: true,
  tellsBody: false,

  read: (incoming) => readNginx(incoming, single(incoming.headers['x-original-method'])),

  allow: (decision, incoming) => ({
    status: 200,
    headers: [...allowLines(decision, echoedHeaders), echoCredentials(decision, incoming)],
  }),

  deny,
};
