/** Who may use a target. Asked once for each call, after its route is known and before anything is sent. */
import { certificateLabel } from '../core/client-certificate.ts';
import { type Eventually, whenReady } from '../core/eventually.ts';
import type { Findings } from '../core/findings.ts';
import type { Identity } from '../core/identity.ts';
import { bearerChallenge, isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import type { Passed } from '../core/rule.ts';
import { type CallerEntry, type CallerFacts, unmetParts, wantsProof, wantsToken } from './caller-entry.ts';
import {
  type CallerRequest,
  type IdentifyCaller,
  identifyProof,
  type KeyPrefixes,
  proofHeaders,
  readProof,
} from './caller-proof.ts';

export type CallerPolicy = Readonly<{
  /** `report` refuses nobody for who they are, and only tells of those whom `enforce` would refuse. */
  mode: 'enforce' | 'report';
  allow: readonly CallerEntry[];
}>;

/** `caller`: `certificate:…`, `jwt:issuer/sub`, `api_key:id`, or the address; it is known of those who are refused as well. */
export type Admitted = Readonly<{ caller: string; refusal?: Refusal; findings?: Findings | undefined }>;

/** What is asked of a caller who may use the target, before the call is counted. */
export type CallCheck = (facts: CallerFacts) => Eventually<Refusal | Pick<Passed, 'findings'> | undefined>;

export type Admission = Readonly<{
  /** In lower case: where callers show us who they are. Must never leave. */
  ownHeaders: readonly string[];
  /** Gives a `refusal` where the call must not be made. Never throws. */
  admit(request: CallerRequest, check?: CallCheck): Eventually<Admitted>;
}>;

export type AdmissionOptions = Readonly<{
  target: string;
  /** Without it everybody may use the target; who shows a credential is identified all the same. */
  policy: CallerPolicy | undefined;
  prefixes: KeyPrefixes;
  identify: IdentifyCaller;
  /** Counts the call. Undefined where it passes. */
  limit: (caller: string, facts: CallerFacts) => Eventually<Refusal | undefined>;
  /** Told of a caller who passes by `report` alone. */
  onReported(target: string, caller: string, refusal: Refusal): void;
}>;

const LONGEST_NAME = 256;

const nameOf = ({ clientIp, certificate, identity }: CallerFacts): string => {
  if (identity?.method === 'jwt') return `jwt:${identity.issuer}/${identity.subject}`;
  if (identity?.method === 'api_key') return `api_key:${identity.keyId}`;
  if (certificate) return `certificate:${certificateLabel(certificate)}`;
  return clientIp === '' ? 'unknown' : clientIp;
};

export const callerName = (facts: CallerFacts): string => {
  const name = nameOf(facts);
  return name.length <= LONGEST_NAME ? name : `${name.slice(0, LONGEST_NAME)}…`;
};

const notAllowed = refuse('caller_refused', 'This caller may not use the target.');

const tokenRequired = refuse('caller_unknown', 'Send a JWT or an API key as Proxy-Authorization: Bearer ….', {
  headers: bearerChallenge(),
});

const certificateRequired = refuse('caller_unknown', 'A client certificate is required.');

/** Undefined where the caller may pass. Who showed nothing, and is in the right place, is told what to show. */
export const judgeCaller = ({ allow }: CallerPolicy, facts: CallerFacts): Refusal | undefined => {
  if (allow.some((entry) => unmetParts(entry, facts).length === 0)) return undefined;
  if (facts.identity || facts.certificate) return notAllowed;
  const open = allow.filter((entry) => wantsProof(entry) && (entry.source?.(facts.clientIp) ?? true));
  if (open.length === 0) return notAllowed;
  return open.some(wantsToken) ? tokenRequired : certificateRequired;
};

export const createAdmission = (options: AdmissionOptions): Admission => {
  const { target, policy, prefixes, identify, limit, onReported } = options;
  const takesTokens = policy?.allow.some(wantsToken) ?? false;
  const isReporting = policy?.mode === 'report';

  const count = (facts: CallerFacts, findings?: Findings): Eventually<Admitted> => {
    const caller = callerName(facts);
    return whenReady(limit(caller, facts), (refusal) =>
      refusal ? { caller, refusal, findings } : { caller, findings },
    );
  };

  /** `mode: report` is about who calls: what a policy denies stays denied. */
  const pass = (facts: CallerFacts, check: CallCheck | undefined): Eventually<Admitted> =>
    check
      ? whenReady(check(facts), (told) =>
          isRefusal(told) ? { caller: callerName(facts), refusal: told } : count(facts, told?.findings),
        )
      : count(facts);

  const judge = (facts: CallerFacts, check: CallCheck | undefined): Eventually<Admitted> => {
    const refusal = policy && judgeCaller(policy, facts);
    if (!refusal) return pass(facts, check);
    const caller = callerName(facts);
    if (!isReporting) return { caller, refusal };
    onReported(target, caller, refusal);
    return pass(facts, check);
  };

  /** Before `callers` are enforced, `Authorization` may be the target's own affair, as it was without them. */
  const overlooks = (isMeant: boolean): boolean => isReporting && !isMeant;

  const examine = (request: CallerRequest, check: CallCheck | undefined): Eventually<Admitted> => {
    const { clientIp, certificate } = request;
    const facts = (identity?: Identity): CallerFacts => ({ clientIp, certificate, identity });
    const proof = readProof(request, takesTokens, prefixes);
    if (proof === undefined) return judge(facts(), check);

    const refuseProof = (refusal: Refusal, isMeant: boolean): Eventually<Admitted> => {
      const caller = callerName(facts());
      if (!overlooks(isMeant)) return { caller, refusal };
      onReported(target, caller, refusal);
      return pass(facts(), check);
    };
    if (isRefusal(proof)) return refuseProof(proof, request.header('proxy-authorization') !== undefined);
    return whenReady(identifyProof(request, proof, identify), (found) =>
      isRefusal(found) ? refuseProof(found, proof.isMeant) : judge(facts(found), check),
    );
  };

  const failed = (cause: unknown): Admitted => ({
    caller: 'unknown',
    refusal: refuse('internal_error', 'The call could not be decided. Try again.', { cause }),
  });

  return {
    ownHeaders: proofHeaders(takesTokens),

    admit(request, check) {
      try {
        const admitted = examine(request, check);
        return admitted instanceof Promise ? admitted.catch(failed) : admitted;
      } catch (cause) {
        return failed(cause);
      }
    },
  };
};
