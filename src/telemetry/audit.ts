/** The audit line: who asked for what, through whom, and what became of it (docs/audit.md). */
import type { AccessEvent } from '../core/access-event.ts';
import { certificateLabel } from '../core/client-certificate.ts';
import type { Decision } from '../core/decision.ts';
import type { Findings } from '../core/findings.ts';
import type { Identity } from '../core/identity.ts';
import { refusalKinds } from '../core/refusal.ts';
import type { AuthRequest, ClientCertificate } from '../core/request.ts';
import { createCredentialFreeJson } from './credential-text.ts';

export type AuditOptions = Readonly<{
  /** What this service is called in its lines. */
  service: string;
  /** Headers of the request that are told, as they are spelt here. None of them carries a credential. */
  extract: readonly string[];
  keyPrefixes: readonly string[];
  now(): number;
  write(line: string): void;
}>;

/** What a caller chooses is cut, so that a line stays a line. */
const LONGEST_TEXT = 512;

const cut = (text: string): string => (text.length <= LONGEST_TEXT ? text : `${text.slice(0, LONGEST_TEXT)}…`);

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? cut(value) : undefined;

const clientName = (certificate: ClientCertificate | undefined): string | undefined =>
  certificate && cut(certificate.attributes['CN']?.[0] ?? certificateLabel(certificate));

/** RFC 9068 section 2.2: a client's own token has the client as its subject. Keycloak gives it a user of this name. */
const isOwnToken = (subject: string, user: string | undefined, client: string | undefined): boolean =>
  client !== undefined && (subject === client || user === `service-account-${client.toLowerCase()}`);

type Caller = Readonly<{ user?: string | undefined; service?: string | undefined; keyId?: string | undefined }>;

const callerOf = (identity: Identity | undefined): Caller => {
  switch (identity?.method) {
    case 'jwt': {
      const { subject, claims } = identity;
      const user = textOf(claims['preferred_username']);
      const service = textOf(claims['azp']) ?? textOf(claims['client_id']);
      return { service, user: isOwnToken(subject, user, service) ? undefined : (user ?? textOf(subject)) };
    }
    case 'api_key':
      return { user: textOf(identity.subject), keyId: identity.keyId };
    case 'certificate':
    case 'cashu':
    case 'session':
    case 'anonymous':
    case undefined:
      return {};
  }
};

const findingsOf = (decision: Decision | undefined): Findings | undefined =>
  decision?.verdict === 'allow' ? decision.findings : decision?.refusal.findings;

const USER_CONTEXT = 'x-user-context';
/** Told by a field of its own. */
const CORRELATION_ID = 'x-correlation-id';

/** Other headers of `extract`. */
const otherHeaders = (request: AuthRequest | undefined, extract: readonly string[]) => {
  const found: [string, string][] = [];
  for (const name of extract) {
    const lower = name.toLowerCase();
    const value = lower === USER_CONTEXT || lower === CORRELATION_ID ? undefined : request?.header(lower);
    if (value !== undefined) found.push([name, cut(value)]);
  }
  return found.length > 0 ? Object.fromEntries(found) : undefined;
};

const decided = (decision: Decision | undefined) => {
  if (!decision) return { decision: 'none' };
  if (decision.verdict === 'allow') return { decision: 'allow' };
  return { decision: 'deny', code: decision.refusal.code };
};

const levelOf = (decision: Decision | undefined): 'info' | 'warn' =>
  decision?.verdict === 'deny' && refusalKinds[decision.refusal.code].status >= 500 ? 'warn' : 'info';

type Line = Readonly<Record<string, unknown>>;

/** Every field, in the order of the line; undefined where there is nothing to tell. */
const lineOf = (event: AccessEvent, { service, extract, now }: AuditOptions) => {
  const { request, decision, downstream, route, error } = event;
  const identity = decision?.identity;
  const caller = callerOf(identity);
  const mtlsClient = clientName(request?.certificate);
  const context = extract.some((name) => name.toLowerCase() === USER_CONTEXT)
    ? request?.header(USER_CONTEXT)
    : undefined;
  const reasons = findingsOf(decision)?.reasons ?? [];
  return {
    level: levelOf(decision),
    time: new Date(now()).toISOString(),
    event: 'request',
    service,
    mtls_client: mtlsClient,
    calling_service: caller.service,
    user_id: caller.user,
    // Whom a service speaks for: it says so, or passes on the token of the user.
    user_context: textOf(context) ?? (mtlsClient === undefined ? undefined : caller.user),
    key_id: caller.keyId,
    credential: identity?.method,
    client_ip: request?.clientIp || event.peerIp,
    method: cut(request?.method ?? event.method),
    path: cut(request?.path ?? event.path),
    route: route === '' ? undefined : route,
    downstream: downstream === '' ? undefined : downstream,
    status: event.status,
    error,
    duration_ms: Math.round(event.durationMs * 1000) / 1000,
    correlation_id: event.requestId,
    ...decided(decision),
    reasons: reasons.length > 0 ? reasons : undefined,
    headers: otherHeaders(request, extract),
  } satisfies Line;
};

/** What is ours, also where this line does not have it: a policy does not say who the client was, nor what was decided. */
const ours: ReadonlySet<string> = new Set([
  ...['level', 'time', 'event', 'service', 'mtls_client', 'calling_service', 'user_id', 'user_context', 'key_id'],
  ...['credential', 'client_ip', 'method', 'path', 'route', 'downstream', 'status', 'error', 'duration_ms'],
  ...['correlation_id', 'decision', 'code', 'reasons', 'headers', '__proto__'],
]);

/** Into the line itself, which is new and nobody else's. */
const addPolicy = (line: Record<string, unknown>, audit: Findings['audit']): void => {
  for (const name of Object.keys(audit)) {
    if (!ours.has(name)) line[name] = audit[name];
  }
};

export const createAudit = (options: AuditOptions): ((event: AccessEvent) => void) => {
  const toJson = createCredentialFreeJson(options.keyPrefixes);
  return (event) => {
    const line: Record<string, unknown> = lineOf(event, options);
    const audit = findingsOf(event.decision)?.audit;
    if (audit) addPolicy(line, audit);
    options.write(`${toJson(line, event.request)}\n`);
  };
};
