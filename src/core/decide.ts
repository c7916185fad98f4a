/** The pipeline: credential, identity, checks, headers, charge. Never throws: what cannot be decided is denied. */
import { type Choice, chooseCredential, credentialsToRemove } from './choose-credential.ts';
import { readCredentials } from './credential.ts';
import { type Decision, deny, type Headers } from './decision.ts';
import { dressPayment, tellCredits, tellPayer } from './dress.ts';
import { type Eventually, whenReady } from './eventually.ts';
import type { Findings } from './findings.ts';
import { absent, anonymous, type Identification, type Identity } from './identity.ts';
import { isRefusal, type Refusal, refuse } from './refusal.ts';
import type { AuthRequest } from './request.ts';
import type { Check, Intent, Passed, Rule } from './rule.ts';
import { cookieWithoutSessions } from './session-cookie.ts';

/** What is the same for every rule. */
export type House = Readonly<{
  apiKeyPrefix: string;
  /** How API keys begin that were made elsewhere. */
  importedPrefixes?: readonly string[];
  /** Whether a header of a client's could be taken for one that some rule sets. */
  imitates: (name: string) => boolean;
}>;

const none: Headers = {};
const nothing: Passed = {};

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
  const presented = readCredentials(request, house.apiKeyPrefix, house.importedPrefixes);
  if (isRefusal(presented)) return deny(presented);
  const chosen = chooseCredential(rule, request, presented);
  if (isRefusal(chosen)) return deny(chosen);
  const remove = credentialsToRemove(rule, presented, chosen.credential);

  return whenReady(identify(rule, request, chosen, intent), (identity) => {
    if (isRefusal(identity)) return deny(identity);
    return whenReady(runChecks(rule.checks, request, identity, intent), (passed) =>
      isRefusal(passed) ? deny(passed, identity) : conclude(rule, request, identity, { remove, passed }, intent),
    );
  });
};

const identify = (
  rule: Rule,
  request: AuthRequest,
  { credential, session }: Choice,
  intent: Intent,
): Eventually<Identity | Refusal> => {
  if (!credential) {
    const { identifyByCertificate } = rule;
    const { certificate } = request;
    return identifyByCertificate && certificate ? identifyByCertificate(certificate) : admit(rule, request, 'preview');
  }
  const verify = (presented: NonNullable<typeof credential>): Eventually<Identification> =>
    rule.identifiers[presented.kind]?.(request, presented, intent) ?? absent;
  return whenReady(verify(credential), (found) => {
    const opened = conclusionOf(rule, request, found);
    if (!session || isRefusal(opened)) return opened;
    return whenReady(verify(session), (beside) => withAccount(opened, beside));
  });
};

const conclusionOf = (rule: Rule, request: AuthRequest, found: Identification): Identity | Refusal => {
  switch (found.outcome) {
    case 'identified':
      return found.identity;
    case 'rejected':
      return found.refusal.code === 'invalid_session'
        ? inviteAgain(rule.invite(request), found.refusal)
        : found.refusal;
    case 'absent':
      return rule.invite(request);
  }
};

/** Whoever comes with a session that is over is told how to get another. */
const inviteAgain = (invite: Refusal, { code, detail }: Refusal): Refusal => ({
  ...invite,
  code,
  detail: `${detail} ${invite.detail}`,
});

/**
 * A token beside a session adds to its account, where that has the same mint and unit. Otherwise, and where the session is
 * over, it opens an account of its own.
 */
const withAccount = (payer: Identity, session: Identification): Identity | Refusal => {
  if (session.outcome === 'rejected' && session.refusal.code !== 'invalid_session') return session.refusal;
  const holder = session.outcome === 'identified' ? session.identity : undefined;
  if (payer.method !== 'cashu' || holder?.method !== 'session') return payer;
  const { token } = payer;
  const { account } = holder;
  return account.mint === token.mint && account.unit === token.unit ? { ...payer, account } : payer;
};

/** Callers without a credential: for good, or as long as their allowance lasts. */
const admit = (rule: Rule, request: AuthRequest, intent: Intent): Eventually<Identity | Refusal> => {
  if (!rule.allowance) return anonymous;
  return whenReady(rule.allowance(request, intent), (isLeft) => (isLeft ? anonymous : rule.invite(request)));
};

/** What all of them say together, or the first refusal. */
const runChecks = (
  checks: readonly Check[],
  request: AuthRequest,
  identity: Identity,
  intent: Intent,
  passed = nothing,
): Eventually<Refusal | Passed> => {
  let all = passed;
  for (const [at, check] of checks.entries()) {
    const outcome = check(request, identity, intent);
    if (outcome instanceof Promise) {
      const sofar = all;
      return outcome.then((late) =>
        isRefusal(late) ? late : runChecks(checks.slice(at + 1), request, identity, intent, together(sofar, late)),
      );
    }
    if (isRefusal(outcome)) return outcome;
    all = together(all, outcome);
  }
  return all;
};

const together = (one: Passed, other: Passed | undefined): Passed => {
  if (!other) return one;
  if (one === nothing) return other;
  const headers = one.headers && other.headers ? { ...one.headers, ...other.headers } : (one.headers ?? other.headers);
  return { headers, findings: withFindings(one.findings, other.findings) };
};

const withFindings = (one: Findings | undefined, other: Findings | undefined): Findings | undefined =>
  one && other
    ? { reasons: [...one.reasons, ...other.reasons], audit: { ...one.audit, ...other.audit } }
    : (one ?? other);

const both = (told: Headers, more: Headers | undefined): Headers => {
  if (!more) return told;
  return told === none ? more : { ...told, ...more };
};

/** What came of the steps before: credentials to take off the request, and what the checks say. */
type Sofar = Readonly<{ remove: readonly string[]; passed: Passed }>;

/** The headers come before the charge: one that cannot be written must not cost anything. */
const conclude = (
  rule: Rule,
  request: AuthRequest,
  identity: Identity,
  { remove, passed }: Sofar,
  intent: Intent,
): Eventually<Decision> => {
  const upstream = rule.dress(identity, request.certificate);
  if (isRefusal(upstream)) return deny(upstream, identity);
  const cookie = cookieWithoutSessions(request.header('cookie'));
  const { headers: told = none, findings } = passed;
  const allow = { verdict: 'allow', identity, upstream, client: told, remove, cookie, findings } as const;
  if (rule.allowance && identity.method === 'anonymous') {
    return whenReady(admit(rule, request, intent), (admitted) => (isRefusal(admitted) ? deny(admitted) : allow));
  }
  const charged = rule.charge?.(request, identity, intent);
  if (charged === undefined) return allow;
  return whenReady(charged, (receipt) => {
    if (isRefusal(receipt)) return deny(receipt, identity);
    if (!receipt) return allow;
    if ('creditsLeft' in receipt) return { ...allow, client: both(tellCredits(receipt), told) };
    const client = both(tellPayer(receipt, request.scheme), told);
    if (intent === 'deposit') return { ...allow, client };
    return { ...allow, upstream: dressPayment(upstream, receipt), client, receipt };
  });
};
