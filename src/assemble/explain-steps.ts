/** What the parts of a rule answered, in sentences. No credential is in any of them. */
import type { Headers } from '../core/decision.ts';
import type { Identification, Identity } from '../core/identity.ts';
import { isRefusal, type Refusal, refusalKinds } from '../core/refusal.ts';
import type { Rule } from '../core/rule.ts';
import type { Step } from '../core/trace.ts';
import type { ExplainedStep } from '../http/admin/explain-shapes.ts';

export const sayRefusal = ({ code, detail }: Refusal): string => `${refusalKinds[code].status} ${code}: ${detail}`;

const kinds: Readonly<Record<string, string>> = {
  api_key: 'API key',
  jwt: 'JWT',
  cashu: 'Cashu token',
  session: 'session',
  certificate: 'client certificate',
};

export const sayAccepted = ({ identifiers, identifyByCertificate, acceptsAnonymous }: Rule): string => {
  const named = [...Object.keys(identifiers), ...(identifyByCertificate ? ['certificate'] : [])];
  const accepted = named.map((kind) => kinds[kind] ?? kind);
  return [...accepted, ...(acceptsAnonymous ? ['anonymous callers'] : [])].join(', ');
};

export const sayIdentity = (identity: Identity): string => {
  const { method, subject, scopes, roles } = identity;
  const who = [
    subject === '' ? '' : `subject ${subject}`,
    identity.method === 'jwt' ? `issuer ${identity.issuer}` : '',
    identity.method === 'api_key' ? `key ${identity.keyId}` : '',
    scopes.length > 0 ? `scopes ${scopes.join(' ')}` : '',
    roles.length > 0 ? `roles ${roles.join(', ')}` : '',
  ].filter((part) => part !== '');
  return who.length === 0 ? method : `${method}: ${who.join('; ')}`;
};

const sayFound = (found: Identification): string => {
  switch (found.outcome) {
    case 'identified':
      return 'good';
    case 'absent':
      return 'nobody';
    case 'rejected':
      return `refused, ${sayRefusal(found.refusal)}`;
  }
};

const written = (headers: Headers): string => {
  const told = Object.entries(headers).filter(([, value]) => value !== '');
  return told.length === 0 ? 'none' : told.map(([name, value]) => `${name}: ${value}`).join(', ');
};

type Charged = Extract<Step, { part: 'charge' }>['outcome'];

const sayCharge = (outcome: Charged): string => {
  if (outcome === undefined) return 'nothing';
  if (isRefusal(outcome)) return sayRefusal(outcome);
  if ('creditsLeft' in outcome) return `one credit of the key; ${outcome.creditsLeft} would be left`;
  const { amount, unit, balance, isRunning } = outcome;
  return isRunning
    ? 'nothing: time that was paid for is running'
    : `${amount} ${unit}; ${balance} ${unit} would be left`;
};

const sayCheck = (outcome: Extract<Step, { part: 'check' }>['outcome']): string => {
  if (isRefusal(outcome)) {
    const { reasons = [] } = outcome.findings ?? {};
    return reasons.length === 0 ? sayRefusal(outcome) : `${sayRefusal(outcome)} (${reasons.join('; ')})`;
  }
  const { reasons = [] } = outcome?.findings ?? {};
  return reasons.length === 0 ? 'passed' : `passed (${reasons.join('; ')})`;
};

/** Undefined for steps that are told otherwise. */
export const explainStep = (step: Step): ExplainedStep | undefined => {
  switch (step.part) {
    case 'rule':
      return undefined;
    case 'identifier': {
      const { credential, found } = step;
      const says = `${kinds[credential.kind] ?? credential.kind} in ${credential.header}: ${sayFound(found)}`;
      return { step: 'credential', says, passed: found.outcome === 'identified' };
    }
    case 'certificate':
      return { step: 'credential', says: 'client certificate: good', passed: true };
    case 'invite':
      return { step: 'credential', says: `none that is good here: ${sayRefusal(step.refusal)}`, passed: false };
    case 'allowance': {
      const says = step.isLeft ? 'a request without a credential is left' : 'used up';
      return { step: 'free requests', says, passed: step.isLeft };
    }
    case 'check':
      return { step: step.label, says: sayCheck(step.outcome), passed: !isRefusal(step.outcome) };
    case 'headers': {
      const { outcome } = step;
      if (isRefusal(outcome)) return { step: 'headers', says: sayRefusal(outcome), passed: false };
      return { step: 'headers', says: written(outcome), passed: true };
    }
    case 'charge':
      return { step: 'charge', says: sayCharge(step.outcome), passed: !isRefusal(step.outcome) };
  }
};
