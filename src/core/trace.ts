/** What each part of a rule answers, for whoever wants to know why. The same parts are asked, in the same order. */
import type { Credential } from './credential.ts';
import type { Headers } from './decision.ts';
import { type Eventually, whenReady } from './eventually.ts';
import type { Identification, Identity } from './identity.ts';
import type { CreditReceipt, Receipt } from './payment.ts';
import type { Refusal } from './refusal.ts';
import type { Check, Identifier, Passed, Rule } from './rule.ts';

export type Step =
  | Readonly<{ part: 'rule'; rule: Rule }>
  | Readonly<{ part: 'identifier'; credential: Pick<Credential, 'kind' | 'header'>; found: Identification }>
  | Readonly<{ part: 'certificate'; identity: Identity }>
  | Readonly<{ part: 'invite'; refusal: Refusal }>
  | Readonly<{ part: 'allowance'; isLeft: boolean }>
  | Readonly<{ part: 'check'; label: string; outcome: Refusal | Passed | undefined }>
  | Readonly<{ part: 'headers'; outcome: Headers | Refusal }>
  | Readonly<{ part: 'charge'; outcome: Receipt | CreditReceipt | Refusal | undefined }>;

/** Told of every step as soon as it is answered. */
export type Trace = (step: Step) => void;

const also = <T>(outcome: Eventually<T>, tell: (outcome: T) => void): Eventually<T> =>
  whenReady(outcome, (value) => {
    tell(value);
    return value;
  });

/** The rule itself, in all but that it tells. */
export const traced = (rule: Rule, trace: Trace): Rule => {
  const { allowance, charge, identifyByCertificate } = rule;

  const tracedIdentifier =
    (identify: Identifier): Identifier =>
    (request, credential, intent) =>
      also(identify(request, credential, intent), (found) => {
        const { kind, header } = credential;
        trace({ part: 'identifier', credential: { kind, header }, found });
      });

  const tracedCheck =
    (check: Check): Check =>
    (request, identity, intent) =>
      also(check(request, identity, intent), (outcome) =>
        trace({ part: 'check', label: check.label ?? 'check', outcome }),
      );

  return {
    ...rule,
    identifiers: Object.fromEntries(
      Object.entries(rule.identifiers).map(([kind, identify]) => [kind, tracedIdentifier(identify)]),
    ),
    invite(request) {
      const refusal = rule.invite(request);
      trace({ part: 'invite', refusal });
      return refusal;
    },
    checks: rule.checks.map(tracedCheck),
    dress(identity, certificate) {
      const outcome = rule.dress(identity, certificate);
      trace({ part: 'headers', outcome });
      return outcome;
    },
    ...(identifyByCertificate && {
      identifyByCertificate(certificate) {
        const identity = identifyByCertificate(certificate);
        trace({ part: 'certificate', identity });
        return identity;
      },
    }),
    ...(allowance && {
      allowance: (request, intent) =>
        also(allowance(request, intent), (isLeft) => trace({ part: 'allowance', isLeft })),
    }),
    ...(charge && {
      charge: (request, identity, intent) =>
        also(charge(request, identity, intent), (outcome) => trace({ part: 'charge', outcome })),
    }),
  };
};
