/** What the gate decided, as usage is told of it. */
import type { Decision } from '../../src/core/decision.ts';
import type { DecisionEvent } from '../../src/core/decision-event.ts';
import type { Identity } from '../../src/core/identity.ts';
import type { AuthRequest } from '../../src/core/request.ts';

/** With secrets where requests have them. */
export const requestOf = (method: string, host: string, path: string): AuthRequest => ({
  id: 'r',
  method,
  scheme: 'https',
  host,
  path,
  query: 'token=secret',
  clientIp: '',
  header: () => 'secret',
  findHeaderName: () => undefined,
});

export const allowed = (identity: Identity): Decision => ({
  verdict: 'allow',
  identity,
  upstream: {},
  client: {},
  remove: [],
});

export const decisionOn = (
  decision: Decision,
  request: AuthRequest | undefined,
  rule = 'api',
  dialect = 'nginx',
): DecisionEvent => ({ requestId: 'r', dialect, rule, decision, request, peerIp: '', durationMs: 0.5 });
