/** The pipeline: credential, identity, checks, headers, charge. Never throws: what cannot be decided is denied. */
import { type Credential, readCredentials } from './credential.ts';
import { type Decision, deny } from './decision.ts';
import { dress, dressPayment, findImitation } from './dress.ts';
import { anonymous, type Identity } from './identity.ts';
import { isRefusal, type Refusal, refuse } from './refusal.ts';
import type { AuthRequest } from './request.ts';
import type { AcceptedKind, Intent, Rule } from './rule.ts';

/** What is the same for every rule. */
export type House = Readonly<{
  apiKeyPrefix: string;
  /** Every header that any rule sets, in the spelling in which it is sent. */
  managedHeaders: readonly string[];
  /** The same names in lower case. */
  managedNames: ReadonlySet<string>;
}>;

type Accepted = Credential & { kind: AcceptedKind };

export const decide = async (house: House, rule: Rule, request: AuthRequest, intent: Intent): Promise<Decision> => {
  try {
    return await runPipeline(house, rule, request, intent);
  } catch (cause) {
    return deny(refuse('internal_error', 'The request could not be decided. Try again.', { cause }));
  }
};

const runPipeline = async (house: House, rule: Rule, request: AuthRequest, intent: Intent): Promise<Decision> => {
  const imitation = findImitation(house.managedNames, request.headerNames());
  if (imitation !== undefined) {
    return deny(refuse('ambiguous_header', `The header ${imitation} can be taken for one that only the gate may set.`));
  }
  const presented = readCredentials(request, house.apiKeyPrefix);
  if (isRefusal(presented)) return deny(presented);
  const chosen = chooseCredential(rule, presented);
  if (isRefusal(chosen)) return deny(chosen);

  const identified = chosen ? await identify(rule, request, chosen) : anonymous;
  if (isRefusal(identified)) return deny(identified);

  for (const check of rule.checks) {
    const refusal = await check(request, identified, intent);
    if (refusal) return deny(refusal);
  }

  const upstream = dress(house.managedHeaders, rule.dressers, identified);
  if (isRefusal(upstream)) return deny(upstream);

  const receipt = rule.charge && (await rule.charge(request, identified, intent));
  if (isRefusal(receipt)) return deny(receipt);
  if (receipt) dressPayment(upstream, receipt);

  const remove = credentialsToRemove(rule, presented, chosen);
  return { verdict: 'allow', identity: identified, upstream, client: {}, remove, ...(receipt ? { receipt } : {}) };
};

const identify = async (rule: Rule, request: AuthRequest, credential: Accepted): Promise<Identity | Refusal> => {
  const identifier = rule.identifiers[credential.kind];
  const identification = await identifier?.(request, credential);
  switch (identification?.outcome) {
    case 'identified':
      return identification.identity;
    case 'rejected':
      return identification.refusal;
    case 'absent':
    case undefined:
      return rule.invite;
  }
};

/** The one credential that this rule accepts; undefined for an anonymous caller. */
const chooseCredential = (rule: Rule, presented: readonly Credential[]): Accepted | Refusal | undefined => {
  const accepted = presented.filter((credential): credential is Accepted => accepts(rule, credential));
  const [first] = accepted;
  if (first) {
    return accepted.every(({ value }) => value === first.value)
      ? first
      : refuse('ambiguous_credentials', 'More than one credential was sent. Send the one that is to be used.');
  }
  const examines = Object.keys(rule.identifiers).length > 0;
  if (presented.length === 0 || !examines) return rule.acceptsAnonymous ? undefined : rule.invite;
  return refuseUnaccepted(rule, presented);
};

const accepts = (rule: Rule, { kind }: Credential): boolean =>
  kind !== 'unknown' && rule.identifiers[kind] !== undefined;

const names: Record<AcceptedKind, string> = { api_key: 'an API key', jwt: 'a JWT', cashu: 'a Cashu token' };

/** Something was presented that this rule does not take. It is never overlooked in favour of anonymous access. */
const refuseUnaccepted = (rule: Rule, presented: readonly Credential[]): Refusal => {
  const takes = Object.keys(names)
    .filter((kind): kind is AcceptedKind => rule.identifiers[kind as AcceptedKind] !== undefined)
    .map((kind) => names[kind]);
  const sentence = `The credential is none that is accepted here. Expected ${takes.join(' or ')}.`;
  const takesBearer = rule.identifiers.api_key ?? rule.identifiers.jwt;
  if (takesBearer && presented.some(({ kind }) => kind === 'unknown')) {
    return refuse('unrecognised_credential', sentence, rule.invite.headers ? { headers: rule.invite.headers } : {});
  }
  return { ...rule.invite, detail: rule.acceptsAnonymous ? sentence : `${rule.invite.detail} ${sentence}` };
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
  const hidden = presented.filter(({ kind, header }) => {
    if (kind === 'cashu') return true;
    if (kind === 'unknown') return false;
    const opened = chosen?.header === header || (chosen !== undefined && chosen.kind === kind);
    return opened ? !rule.passToken : kind === 'api_key';
  });
  return hidden.map(({ header }) => header);
};
