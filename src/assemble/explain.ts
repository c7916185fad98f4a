/** Says what would be decided for a request and why, by the gate that decides. Nothing is counted or spent. */
import type { Config } from '../config/config.ts';
import { type Allow, type Decision, deny } from '../core/decision.ts';
import type { Findings } from '../core/findings.ts';
import type { Answer, Question } from '../core/gate.ts';
import type { Identity } from '../core/identity.ts';
import { isRefusal, type Refusal, refusalKinds } from '../core/refusal.ts';
import type { AuthRequest } from '../core/request.ts';
import type { Step } from '../core/trace.ts';
import type { Explain } from '../http/admin/explain.ts';
import type { ExplainedStep, ExplainQuestion, Explanation } from '../http/admin/explain-shapes.ts';
import { explainedRequest } from '../http/explained-request.ts';
import { createCredentialFreeJson } from '../telemetry/credential-text.ts';
import { type DoorParts, doorFor, type ExplainedDoor } from './explain-doors.ts';
import { type Match, matching, sayMatch, sayNearest } from './explain-route.ts';
import { explainStep, sayAccepted, sayIdentity, sayRefusal } from './explain-steps.ts';

export type ExplainParts = Omit<DoorParts, 'config'> &
  Readonly<{ config: DoorParts['config'] & Pick<Config, 'api_keys'> }>;

const showIdentity = (identity: Identity | undefined): Explanation['identity'] => {
  if (!identity) return null;
  const { method, subject, scopes, roles } = identity;
  return {
    method,
    subject,
    ...(identity.method === 'jwt' && { issuer: identity.issuer }),
    ...(identity.method === 'api_key' && { key_id: identity.keyId }),
    scopes: [...scopes],
    roles: [...roles],
  };
};

const showRefusal = ({ code, detail }: Refusal): Explanation['refusal'] => {
  const { status, title } = refusalKinds[code];
  return { status, code, title, detail };
};

/** Of the challenge that callers without a credential get. */
const priceOf = ({ members }: Refusal): Explanation['price'] => {
  const { amount, unit, mints } = members ?? {};
  if (typeof amount !== 'number' || typeof unit !== 'string' || !Array.isArray(mints)) return null;
  return { amount, unit, mints: mints.filter((mint) => typeof mint === 'string') };
};

/** An id for a session, or money, that a preview would give away. */
const told = ({ client }: Allow): Record<string, string> =>
  Object.fromEntries(Object.entries(client).filter(([name]) => !/^(?:set-cookie|x-payment-session)$/i.test(name)));

const findingsOf = (decision: Decision): Findings | undefined =>
  decision.verdict === 'allow' ? decision.findings : decision.refusal.findings;

/** Who was found out to call, also where a later step refuses. */
const callerOf = (steps: readonly Step[], decision: Decision): Identity | undefined => {
  const found = steps.flatMap((step) =>
    step.part === 'identifier' && step.found.outcome === 'identified' ? [step.found.identity] : [],
  );
  return decision.identity ?? found[0];
};

const sayRule = (
  name: string,
  steps: readonly Step[],
  all: readonly Match[],
  asked: ExplainQuestion,
  request: AuthRequest,
) => {
  const rule = steps.find((step) => step.part === 'rule')?.rule;
  const match = all.find((candidate) => candidate.name === name);
  const others = matching(all, request).filter((other) => other !== name);
  const why = asked.rule === undefined ? (match ? sayMatch(match) : '') : 'named by the auth URL';
  const over = asked.rule === undefined && others.length > 0 ? `; more specific than ${others.join(', ')}` : '';
  const accepts = rule ? `; accepts ${sayAccepted(rule)}` : '';
  return `${name}: ${why}${over}${accepts}`;
};

const isCredentialStep = ({ part }: Step): boolean => ['identifier', 'certificate', 'invite'].includes(part);

/** Where a rule was reached and no credential was looked at, the caller came without one that it takes. */
const sayCaller = (steps: readonly Step[], decision: Decision): ExplainedStep[] => {
  const rule = steps.find((step) => step.part === 'rule');
  if (!rule) return [];
  const asked = steps.some(isCredentialStep);
  const caller = callerOf(steps, decision);
  return [
    ...(asked || !caller ? [] : [{ step: 'credential', says: 'none that the rule looks at', passed: true }]),
    ...(caller ? [{ step: 'identity', says: sayIdentity(caller), passed: true }] : []),
  ];
};

const ofSteps = (steps: readonly Step[], which: (step: Step) => boolean): ExplainedStep[] =>
  steps.filter(which).flatMap((step) => explainStep(step) ?? []);

const result = (decision: Decision): ExplainedStep =>
  decision.verdict === 'allow'
    ? { step: 'result', says: 'allowed', passed: true }
    : { step: 'result', says: sayRefusal(decision.refusal), passed: false };

const nothing: Omit<Explanation, 'steps'> = {
  allowed: false,
  door: 'gate',
  rule: null,
  request: null,
  identity: null,
  reasons: [],
  audit: {},
  upstream_headers: {},
  removed_headers: [],
  client_headers: {},
  price: null,
  upstream: null,
  refusal: null,
};

const unread = (door: ExplainedDoor['door'], refusal: Refusal): Explanation => ({
  ...nothing,
  door,
  steps: [{ step: 'request', says: sayRefusal(refusal), passed: false }],
  refusal: showRefusal(refusal),
});

const sayChosen = (
  { door, matches }: ExplainedDoor,
  rule: string,
  steps: readonly Step[],
  asked: ExplainQuestion,
  request: AuthRequest,
): ExplainedStep => {
  const step = door === 'proxy' ? 'route' : 'rule';
  if (rule !== '') return { step, says: sayRule(rule, steps, matches, asked, request), passed: true };
  const says = asked.rule === undefined ? `none; ${sayNearest(matches, request)}` : `none is called ${asked.rule}`;
  return { step, says, passed: false };
};

/** What the door makes of an allowed request, and what it could still refuse. */
const concluded = (door: ExplainedDoor, asked: ExplainQuestion, request: AuthRequest, decision: Decision) => {
  const upstream = decision.verdict === 'allow' ? door.upstream(asked, request) : undefined;
  if (isRefusal(upstream)) return { decision: deny(upstream, decision.identity), upstream: undefined };
  return { decision, upstream };
};

const decideAt = async (door: ExplainedDoor, question: Question | Refusal, steps: Step[]): Promise<Answer> =>
  isRefusal(question)
    ? { decision: deny(question), rule: '' }
    : door.gate.decide(question, 'preview', (step) => steps.push(step));

const explainAt = async (door: ExplainedDoor, asked: ExplainQuestion, request: AuthRequest): Promise<Explanation> => {
  const question = door.ask(asked, request);
  const steps: Step[] = [];
  const { decision: decided, rule } = await decideAt(door, question, steps);
  const { decision, upstream } = concluded(door, asked, request, decided);
  const { method, scheme, host, path } = request;
  const findings = findingsOf(decision);
  const price = rule === '' || isRefusal(question) ? null : priceOf(door.gate.invite(question));
  return {
    ...nothing,
    allowed: decision.verdict === 'allow',
    door: door.door,
    rule: rule === '' ? null : rule,
    request: { method, scheme, host, path },
    identity: showIdentity(callerOf(steps, decision)),
    steps: [
      { step: 'request', says: `${method} ${scheme}://${host}${path}`, passed: true },
      sayChosen(door, rule, steps, asked, request),
      ...ofSteps(steps, isCredentialStep),
      ...sayCaller(steps, decision),
      ...ofSteps(steps, (step) => !isCredentialStep(step)),
      ...(price ? [{ step: 'price', says: `${price.amount} ${price.unit}, for callers who pay`, passed: true }] : []),
      ...(upstream === undefined ? [] : [{ step: 'upstream', says: upstream, passed: true }]),
      result(decision),
    ],
    reasons: [...(findings?.reasons ?? [])],
    audit: { ...findings?.audit },
    price,
    upstream: upstream ?? null,
    ...(decision.verdict === 'allow'
      ? {
          upstream_headers: { ...decision.upstream },
          removed_headers: [...decision.remove],
          client_headers: told(decision),
        }
      : { refusal: showRefusal(decision.refusal) }),
  };
};

export const createExplain = (parts: ExplainParts): Explain => {
  const { prefix, imported } = parts.config.api_keys;
  const withoutCredentials = createCredentialFreeJson([prefix, ...imported.flatMap((form) => form.prefix ?? [])]);
  return async (asked) => {
    const door = doorFor(parts, asked);
    if (isRefusal(door)) return door;
    const read = explainedRequest(asked);
    if ('question' in read) return read.question;
    if (isRefusal(read.request)) return unread(door.door, read.request);
    return JSON.parse(withoutCredentials(JSON.stringify(await explainAt(door, asked, read.request)), read.request));
  };
};
