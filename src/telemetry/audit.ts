/** The audit line: who asked for what, through whom, and what became of it (docs/audit.md). */
import type { AccessEvent } from '../core/access-event.ts';
import { certificateLabel } from '../core/client-certificate.ts';
import type { Decision } from '../core/decision.ts';
import type { Findings } from '../core/findings.ts';
import type { Identity } from '../core/identity.ts';
import { perObject } from '../core/per-object.ts';
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

/** A member of the line, after others; nothing where there is nothing to tell. `name` is one of ours. */
const member = (name: string, value: unknown): string =>
  value === undefined ? '' : `,"${name}":${JSON.stringify(value)}`;

/** What needs no escape, which is most that is written, is its own JSON. */
const plain = /^[ !#-[\]-~]*$/;

const textMember = (name: string, text: string | undefined): string =>
  text !== undefined && plain.test(text) ? `,"${name}":"${text}"` : member(name, text);

/** With three digits after the point: to write a number with a fraction by itself takes as long as half of the line. */
const milliseconds = (durationMs: number): string => {
  const us = Math.max(0, Math.round(durationMs * 1_000));
  const whole = Math.floor(us / 1_000);
  return `${whole}.${String(us - whole * 1_000).padStart(3, '0')}`;
};

/** What certificates and callers put into a line is written once for as long as they are known. */
const clientText = perObject((certificate: ClientCertificate): string =>
  member('mtls_client', cut(certificate.attributes['CN']?.[0] ?? certificateLabel(certificate))),
);

/** RFC 9068 section 2.2: a client's own token has the client as its subject. Keycloak gives it a user of this name. */
const isOwnToken = (subject: string, user: string | undefined, client: string | undefined): boolean =>
  client !== undefined && (subject === client || user === `service-account-${client.toLowerCase()}`);

type Caller = Readonly<{
  user?: string | undefined;
  /** Members before and after the one that depends on the request. */
  before: string;
  after: string;
}>;

const callerWith = (
  { method }: Identity,
  { user, service, keyId }: Readonly<{ user?: string | undefined; service?: string | undefined; keyId?: string }>,
): Caller => ({
  user,
  before: member('calling_service', service) + member('user_id', user),
  after: member('key_id', keyId) + member('credential', method),
});

const callerOf = perObject((identity: Identity): Caller => {
  switch (identity.method) {
    case 'jwt': {
      const { subject, claims } = identity;
      const user = textOf(claims['preferred_username']);
      const service = textOf(claims['azp']) ?? textOf(claims['client_id']);
      const isOwn = isOwnToken(subject, user, service);
      return callerWith(identity, { service, user: isOwn ? undefined : (user ?? textOf(subject)) });
    }
    case 'api_key':
      return callerWith(identity, { user: textOf(identity.subject), keyId: identity.keyId });
    case 'certificate':
    case 'cashu':
    case 'session':
    case 'anonymous':
      return callerWith(identity, {});
  }
});

const nobody: Caller = { before: '', after: '' };

const findingsOf = (decision: Decision | undefined): Findings | undefined =>
  decision?.verdict === 'allow' ? decision.findings : decision?.refusal.findings;

const USER_CONTEXT = 'x-user-context';
/** Told by a field of its own. */
const CORRELATION_ID = 'x-correlation-id';

type Extracted = Readonly<{
  /** Whether `X-User-Context` is one of them. */
  hasUserContext: boolean;
  /** Those without a field of their own: as they are told, and in lower case. */
  others: readonly (readonly [name: string, lower: string])[];
}>;

const readExtract = (extract: readonly string[]): Extracted => {
  const all = extract.map((name) => [name, name.toLowerCase()] as const);
  return {
    hasUserContext: all.some(([, lower]) => lower === USER_CONTEXT),
    others: all.filter(([, lower]) => lower !== USER_CONTEXT && lower !== CORRELATION_ID),
  };
};

const otherHeaders = (request: AuthRequest | undefined, { others }: Extracted) => {
  if (others.length === 0 || !request) return undefined;
  const found: [string, string][] = [];
  for (const [name, lower] of others) {
    const value = request.header(lower);
    if (value !== undefined) found.push([name, cut(value)]);
  }
  return found.length > 0 ? Object.fromEntries(found) : undefined;
};

const decided = (decision: Decision | undefined): string => {
  if (!decision) return ',"decision":"none"';
  if (decision.verdict === 'allow') return ',"decision":"allow"';
  return `,"decision":"deny"${member('code', decision.refusal.code)}`;
};

const levelOf = (decision: Decision | undefined): 'info' | 'warn' =>
  decision?.verdict === 'deny' && refusalKinds[decision.refusal.code].status >= 500 ? 'warn' : 'info';

/** RFC 3339. Under load many lines are of one millisecond. */
const createTimes = (): ((nowMs: number) => string) => {
  let writtenMs = Number.NaN;
  let written = '';
  return (nowMs) => {
    if (nowMs !== writtenMs) {
      writtenMs = nowMs;
      written = new Date(nowMs).toISOString();
    }
    return written;
  };
};

/** What is ours, also where this line does not have it: a policy does not say who the client was, nor what was decided. */
const ours: ReadonlySet<string> = new Set([
  ...['level', 'time', 'event', 'service', 'mtls_client', 'calling_service', 'user_id', 'user_context', 'key_id'],
  ...['credential', 'client_ip', 'method', 'path', 'route', 'downstream', 'status', 'error', 'duration_ms'],
  ...['correlation_id', 'decision', 'code', 'reasons', 'headers', '__proto__'],
]);

const policyText = (audit: Findings['audit']): string => {
  let text = '';
  for (const name of Object.keys(audit))
    if (!ours.has(name)) text += `,${JSON.stringify(name)}:${JSON.stringify(audit[name])}`;
  return text;
};

const findingsText = ({ reasons, audit }: Findings, headers: string): string =>
  `${reasons.length > 0 ? member('reasons', reasons) : ''}${headers}${policyText(audit)}`;

/** Member by member, in the order of the line: to put an object together and write that takes twice the time. */
export const createAudit = ({
  service,
  extract,
  keyPrefixes,
  now,
  write,
}: AuditOptions): ((event: AccessEvent) => void) => {
  const withoutCredentials = createCredentialFreeJson(keyPrefixes);
  const timeOf = createTimes();
  const extracted = readExtract(extract);
  const beginning = `","event":"request"${member('service', service)}`;

  const contextOf = (request: AuthRequest | undefined, { user }: Caller): string | undefined => {
    const said = extracted.hasUserContext ? textOf(request?.header(USER_CONTEXT)) : undefined;
    // Whom a service speaks for: it says so, or passes on the token of the user.
    return said ?? (request?.certificate && user);
  };

  const lineOf = (event: AccessEvent): string => {
    const { request, decision, route, downstream, error } = event;
    const caller = decision?.identity ? callerOf(decision.identity) : nobody;
    const headers = member('headers', otherHeaders(request, extracted));
    const findings = findingsOf(decision);
    return (
      `{"level":"${levelOf(decision)}","time":"${timeOf(now())}${beginning}` +
      (request?.certificate ? clientText(request.certificate) : '') +
      caller.before +
      textMember('user_context', contextOf(request, caller)) +
      caller.after +
      textMember('client_ip', request?.clientIp || event.peerIp) +
      textMember('method', cut(request?.method ?? event.method)) +
      textMember('path', cut(request?.path ?? event.path)) +
      (route === '' ? '' : textMember('route', route)) +
      (downstream === '' ? '' : textMember('downstream', downstream)) +
      `,"status":${event.status}` +
      member('error', error) +
      `,"duration_ms":${milliseconds(event.durationMs)}` +
      textMember('correlation_id', event.requestId) +
      decided(decision) +
      (findings ? findingsText(findings, headers) : headers) +
      '}'
    );
  };

  return (event) => write(`${withoutCredentials(lineOf(event), event.request)}\n`);
};
