/**
 * Envoy's HTTP ext_authz, and Istio's `envoyExtAuthzHttp`: the question is the request itself, its path behind `path_prefix`
 * (`/auth/envoy`, or `/auth/envoy/rule/NAME`).
 */
import { parseTarget } from '../../core/canonical.ts';
import { isRefusal, type Refusal, refuse } from '../../core/refusal.ts';
import { HeaderLines } from '../header-lines.ts';
import { type Incoming, schemeOf, toAuthRequest } from '../http-request.ts';
import { problemReply } from '../problem.ts';
import { allowLines } from './allow-lines.ts';
import type { Dialect } from './dialect.ts';

const namedRule = /^\/rule\/([^/?]+)(\/.*)$/s;

type Named = Readonly<{ target: string; ruleName?: string; pathIfForged?: string }>;

/** A client behind the plain prefix could ask for `/rule/NAME/…` itself: the gate is told how that would read. */
const readTarget = (target: string): Named | Refusal => {
  const [, ruleName, rest] = namedRule.exec(target) ?? [];
  if (ruleName === undefined || rest === undefined) return { target };
  const whole = parseTarget(target);
  return isRefusal(whole) ? whole : { target: rest, ruleName, pathIfForged: whole.path };
};

/** Reads the request line itself; `scheme` is believed only of a trusted peer. */
export const readRequestLine = (incoming: Incoming, target: string, isDirect: boolean) => {
  const { message, headers } = incoming;
  const scheme = schemeOf(incoming);
  return toAuthRequest(incoming, { method: message.method, host: headers.host, target, scheme, isDirect });
};

const removals = new Map<string, HeaderLines>();

/** `names` are of credential headers, so that there are few such lists. */
const removal = (names: string): HeaderLines => {
  const known = removals.get(names) ?? new HeaderLines({ 'x-envoy-auth-headers-to-remove': names });
  removals.set(names, known);
  return known;
};

export const envoy: Dialect = {
  name: 'envoy',
  needsTrust: false,
  tellsBody: true,

  read(incoming) {
    if (!incoming.target.startsWith('/')) {
      return refuse('incomplete_question', 'No path follows the prefix. Expected path_prefix: /auth/envoy.');
    }
    const named = readTarget(incoming.target);
    if (isRefusal(named)) return named;
    const { target, ...rule } = named;
    const request = readRequestLine(incoming, target, false);
    return isRefusal(request) ? request : { request, ...rule };
  },

  allow(decision) {
    const { remove, cookie } = decision;
    const headers = [...allowLines(decision)];
    if (cookie) headers.push(new HeaderLines({ Cookie: cookie }));
    const removed = cookie === '' ? [...remove, 'cookie'] : remove;
    if (removed.length > 0) headers.push(removal(removed.join(',')));
    return { status: 200, headers };
  },

  deny: problemReply,
};
