/** Which of the credentials that a request presents opens the door, and which of them the application may see. */
import type { Credential } from './credential.ts';
import { isRefusal, type Refusal, refuse } from './refusal.ts';
import type { AuthRequest } from './request.ts';
import type { AcceptedKind, Rule } from './rule.ts';

type Accepted = Credential & { kind: AcceptedKind };

export type Choice = Readonly<{
  /** Undefined for callers who present none: who has a certificate goes by that, others are anonymous. */
  credential: Accepted | undefined;
  /** The session to whose account a token is added. */
  session: Accepted | undefined;
}>;

const ambiguous = refuse(
  'ambiguous_credentials',
  'More than one credential was sent. Send the one that is to be used.',
);

const areOne = (credentials: readonly Credential[]): boolean =>
  credentials.every(({ value }) => value === credentials[0]?.value);

/** What the client says in a header goes before what its browser sends by itself. */
const chooseSession = (sessions: readonly Accepted[]): Accepted | Refusal | undefined => {
  const said = sessions.find(({ header }) => header !== 'cookie');
  return said ?? (areOne(sessions) ? sessions[0] : ambiguous);
};

/** A certificate comes along with a connection: it counts where nothing else was presented, and never in place of it. */
const certificateOf = (rule: Rule, request: AuthRequest) => rule.identifyByCertificate && request.certificate;

/**
 * A cookie comes along with every request, so that it is overlooked beside a key, a JWT or a certificate, and where it is of no
 * use.
 */
export const chooseCredential = (
  rule: Rule,
  request: AuthRequest,
  presented: readonly Credential[],
): Choice | Refusal => {
  const accepted = presented.filter((credential): credential is Accepted => accepts(rule, credential));
  const session = chooseSession(accepted.filter(({ kind }) => kind === 'session'));
  if (isRefusal(session)) return session;
  const others = accepted.filter(({ kind }) => kind !== 'session');
  if (!areOne(others)) return ambiguous;
  const [first] = others;
  if (first?.kind === 'cashu') return { credential: first, session };
  if (first) return session && session.header !== 'cookie' ? ambiguous : { credential: first, session: undefined };
  const isKnown = certificateOf(rule, request) !== undefined;
  if (session && !(isKnown && session.header === 'cookie')) return { credential: session, session: undefined };
  const meant = presented.filter(({ header }) => header !== 'cookie');
  const examines = rule.identifyByCertificate !== undefined || Object.keys(rule.identifiers).length > 0;
  if (meant.length > 0 && examines) return refuseUnaccepted(rule, rule.invite(request), meant);
  return isKnown || isOpen(rule) ? { credential: undefined, session: undefined } : rule.invite(request);
};

/** A look at the allowance comes later, for it may have to wait. */
const isOpen = ({ acceptsAnonymous, allowance }: Rule): boolean => acceptsAnonymous || allowance !== undefined;

const accepts = (rule: Rule, { kind }: Credential): boolean =>
  kind !== 'unknown' && rule.identifiers[kind] !== undefined;

const names: Record<Exclude<AcceptedKind, 'session'>, string> = {
  api_key: 'an API key',
  jwt: 'a JWT',
  cashu: 'a Cashu token',
};

/** Something was presented that this rule does not take. It is never overlooked in favour of anonymous access. */
const refuseUnaccepted = (rule: Rule, invite: Refusal, presented: readonly Credential[]): Refusal => {
  const takes = Object.keys(names)
    .filter((kind): kind is keyof typeof names => rule.identifiers[kind as AcceptedKind] !== undefined)
    .map((kind): string => names[kind]);
  if (rule.identifyByCertificate) takes.push('a client certificate alone');
  const sentence = `The credential is none that is accepted here. Expected ${takes.join(' or ')}.`;
  const takesBearer = rule.identifiers.api_key ?? rule.identifiers.jwt;
  if (takesBearer && presented.some(({ kind }) => kind === 'unknown')) {
    return refuse('unrecognised_credential', sentence, invite.headers ? { headers: invite.headers } : {});
  }
  return { ...invite, detail: rule.acceptsAnonymous ? sentence : `${invite.detail} ${sentence}` };
};

/**
 * The application never sees money, sessions or API keys, whichever rule let the request in; a JWT is taken off where it was
 * ours to judge, for elsewhere it may be the application's own.
 */
export const credentialsToRemove = (
  rule: Rule,
  presented: readonly Credential[],
  chosen: Credential | undefined,
): string[] => {
  const isHidden = ({ kind, header }: Credential): boolean => {
    // A cookie is one among others: the header stays, without it.
    if (header === 'cookie') return false;
    if (kind === 'cashu' || kind === 'session') return true;
    if (kind === 'unknown') return false;
    const opened = chosen !== undefined && (chosen.header === header || chosen.kind === kind);
    return opened ? !rule.passToken : kind === 'api_key';
  };
  const hidden: string[] = [];
  for (const credential of presented) if (isHidden(credential)) hidden.push(credential.header);
  return hidden;
};
