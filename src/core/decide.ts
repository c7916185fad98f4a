/** The pipeline: credential, identity, checks, headers, charge. Never throws: what cannot be decided is denied. */
import { type Credential, readCredentials } from './credential.ts';
import { type Decision, deny } from './decision.ts';
import { dressPayment, tellPayer } from './dress.ts';
import { type Eventually, whenReady } from './eventually.ts';
import { absent, anonymous, type Identity } from './identity.ts';
import { isRefusal, type Refusal, refuse } from './refusal.ts';
import type { AuthRequest } from './request.ts';
import type { AcceptedKind, Check, Intent, Rule } from './rule.ts';

/** What is the same for every rule. */
export type House = Readonly<{
  apiKeyPrefix: string;
  /** Whether a header of a client's could be taken for one that some rule sets. */
  imitates: (name: string) => boolean;
}>;

type Accepted = Credential & { kind: AcceptedKind };

const none = {};

const failed = (cause: unknown): Decision =>
  deny(refuse('internal_error', 'The request could not be decided. Try again.', { cause }));

export const decide = (house: House, rule: Rule, request: AuthRequest, intent: Intent): Eventually<Decision> => {
  try {
    const decision = runPipeline(house, rule, request, intent);
    return decision instanceof Promise ? decision.catch(failed) : decision;
  } catch (cause) {
    return failed(cause);
  }
};

const runPipeline = (house: House, rule: Rule, request: AuthRequest, intent: Intent): Eventually<Decision> => {
  const imitation = request.findHeaderName(house.imitates);
  if (imitation !== undefined) {
    return deny(refuse('ambiguous_header', `The header ${imitation} can be taken for one that only the gate may set.`));
  }
  const presented = readCredentials(request, house.apiKeyPrefix);
  if (isRefusal(presented)) return deny(presented);
  const chosen = chooseCredential(rule, request, presented);
  if (isRefusal(chosen)) return deny(chosen);
  const remove = credentialsToRemove(rule, presented, chosen);

  return whenReady(identify(rule, request, chosen, intent), (identity) => {
    if (isRefusal(identity)) return deny(identity);
    return whenReady(runChecks(rule.checks, request, identity, intent), (refusal) =>
      refusal ? deny(refusal) : conclude(rule, request, identity, remove, intent),
    );
  });
};

const identify = (
  rule: Rule,
  request: AuthRequest,
  credential: Accepted | undefined,
  intent: Intent,
): Eventually<Identity | Refusal> => {
  if (!credential) return admit(rule, request, 'preview');
  const identification = rule.identifiers[credential.kind]?.(request, credential, intent) ?? absent;
  return whenReady(identification, (found) => {
    switch (found.outcome) {
      case 'identified':
        return found.identity;
      case 'rejected':
        return found.refusal;
      case 'absent':
        return rule.invite(request);
    }
  });
};

/** Callers without a credential: for good, or as long as their allowance lasts. */
const admit = (rule: Rule, request: AuthRequest, intent: Intent): Eventually<Identity | Refusal> => {
  if (!rule.allowance) return anonymous;
  return whenReady(rule.allowance(request, intent), (isLeft) => (isLeft ? anonymous : rule.invite(request)));
};

const runChecks = (
  checks: readonly Check[],
  request: AuthRequest,
  identity: Identity,
  intent: Intent,
): Eventually<Refusal | undefined> => {
  for (const [at, check] of checks.entries()) {
    const outcome = check(request, identity, intent);
    if (outcome instanceof Promise) {
      return outcome.then((refusal) => refusal ?? runChecks(checks.slice(at + 1), request, identity, intent));
    }
    if (outcome) return outcome;
  }
  return undefined;
};

/** The headers come before the charge: one that cannot be written must not cost anything. */
const conclude = (
  rule: Rule,
  request: AuthRequest,
  identity: Identity,
  remove: readonly string[],
  intent: Intent,
): Eventually<Decision> => {
  const upstream = rule.dress(identity);
  if (isRefusal(upstream)) return deny(upstream);
  const allow = { verdict: 'allow', identity, upstream, client: none, remove } as const;
  if (rule.allowance && identity.method === 'anonymous') {
    return whenReady(admit(rule, request, intent), (admitted) => (isRefusal(admitted) ? deny(admitted) : allow));
  }
  if (!rule.charge) return allow;
  return whenReady(rule.charge(request, identity, intent), (receipt) => {
    if (isRefusal(receipt)) return deny(receipt);
    if (!receipt) return allow;
    return { ...allow, upstream: dressPayment(upstream, receipt), client: tellPayer(receipt), receipt };
  });
};

/** The one credential that this rule accepts; undefined for an anonymous caller. */
const chooseCredential = (
  rule: Rule,
  request: AuthRequest,
  presented: readonly Credential[],
): Accepted | Refusal | undefined => {
  let chosen: Accepted | undefined;
  for (const credential of presented) {
    if (!accepts(rule, credential)) continue;
    chosen ??= credential;
    if (credential.value !== chosen.value) {
      return refuse('ambiguous_credentials', 'More than one credential was sent. Send the one that is to be used.');
    }
  }
  if (chosen) return chosen;
  const examines = Object.keys(rule.identifiers).length > 0;
  if (presented.length === 0 || !examines) return isOpen(rule) ? undefined : rule.invite(request);
  return refuseUnaccepted(rule, rule.invite(request), presented);
};

/** A look at the allowance comes later, for it may have to wait. */
const isOpen = ({ acceptsAnonymous, allowance }: Rule): boolean => acceptsAnonymous || allowance !== undefined;

const accepts = (rule: Rule, credential: Credential): credential is Accepted =>
  credential.kind !== 'unknown' && rule.identifiers[credential.kind] !== undefined;

const names: Record<AcceptedKind, string> = { api_key: 'an API key', jwt: 'a JWT', cashu: 'a Cashu token' };

/** Something was presented that this rule does not take. It is never overlooked in favour of anonymous access. */
const refuseUnaccepted = (rule: Rule, invite: Refusal, presented: readonly Credential[]): Refusal => {
  const takes = Object.keys(names)
    .filter((kind): kind is AcceptedKind => rule.identifiers[kind as AcceptedKind] !== undefined)
    .map((kind) => names[kind]);
  const sentence = `The credential is none that is accepted here. Expected ${takes.join(' or ')}.`;
  const takesBearer = rule.identifiers.api_key ?? rule.identifiers.jwt;
  if (takesBearer && presented.some(({ kind }) => kind === 'unknown')) {
    return refuse('unrecognised_credential', sentence, invite.headers ? { headers: invite.headers } : {});
  }
  return { ...invite, detail: rule.acceptsAnonymous ? sentence : `${invite.detail} ${sentence}` };
};

/**
 * The application never sees money or API keys, whichever rule let the request in; a JWT is taken off where it was ours to
 * judge, for elsewhere it may be the application's own.
 */
const credentialsToRemove = (
  rule: Rule,
  presented: readonly Credential[],
  chosen: Credential | undefined,
): string[] => {
  const isHidden = ({ kind, header }: Credential): boolean => {
    if (kind === 'cashu') return true;
    if (kind === 'unknown') return false;
    const opened = chosen !== undefined && (chosen.header === header || chosen.kind === kind);
    return opened ? !rule.passToken : kind === 'api_key';
  };
  const hidden: string[] = [];
  for (const credential of presented) if (isHidden(credential)) hidden.push(credential.header);
  return hidden;
};
