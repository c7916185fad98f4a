/** Who may use each target: from `callers` and `limits` of the configuration to what is asked for each call. */

import { bounded, callerOf, networkOf } from '../checks/caller.ts';
import { createCallerLimit, type RateLimiter } from '../checks/rate-limit.ts';
import type { Config } from '../config/config.ts';
import { certificateLabel, certificateTest } from '../core/client-certificate.ts';
import { whenReady } from '../core/eventually.ts';
import { absent } from '../core/identity.ts';
import { isRefusal, type Refusal } from '../core/refusal.ts';
import type { Identifier } from '../core/rule.ts';
import type { CallerEntry, CallerFacts } from '../egress/caller-entry.ts';
import type { IdentifyCaller } from '../egress/caller-proof.ts';
import { type Admission, type CallerPolicy, createAdmission } from '../egress/callers.ts';
import { isInRange, parseIpRange } from '../keys/ip-range.ts';
import { noRequest } from './keys.ts';
import { limitsOf } from './rules.ts';

type TargetConfig = NonNullable<Config['egress']>['targets'][string];
type CallerConfig = NonNullable<TargetConfig['callers']>['allow'][number];

export type CallerParts = Readonly<{
  /** The gate's own. Kinds that are left out are refused. */
  identifiers: Readonly<Partial<Record<'api_key' | 'jwt', Identifier>>>;
  limiter: RateLimiter;
  /** Told of a caller who passes only because `callers` are not enforced yet. */
  onReported(target: string, caller: string, refusal: Refusal): void;
}>;

/** What cannot be read was refused with the configuration; here it would match nobody. */
const sourceTest = (range: string) => {
  const parsed = parseIpRange(range);
  return (ip: string): boolean => parsed !== undefined && isInRange(ip, [parsed]);
};

export const callerEntry = ({ certificate, issuer, subject, source, api_key }: CallerConfig): CallerEntry => ({
  ...(certificate !== undefined && { certificate: certificateTest(certificate) ?? (() => false) }),
  ...(issuer !== undefined && { issuer }),
  ...(subject !== undefined && { subject }),
  ...(source !== undefined && { source: sourceTest(source) }),
  ...(api_key !== undefined && { apiKey: api_key }),
});

export const callerPolicy = ({ callers }: TargetConfig): CallerPolicy | undefined =>
  callers && { mode: callers.mode, allow: callers.allow.map(callerEntry) };

const identifyBy =
  (identifiers: CallerParts['identifiers']): IdentifyCaller =>
  ({ clientIp }, credential) => {
    const { kind } = credential;
    const identify = kind === 'api_key' || kind === 'jwt' ? identifiers[kind] : undefined;
    return identify?.({ ...noRequest, clientIp }, credential, 'enforce') ?? absent;
  };

/** Whose calls are counted together. */
const counted = ({ clientIp, certificate, identity }: CallerFacts): string => {
  if (identity) return callerOf({ clientIp }, identity);
  return certificate ? `certificate:${bounded(certificateLabel(certificate))}` : `ip:${networkOf(clientIp)}`;
};

export const assembleCallers = (
  { api_keys }: Pick<Config, 'api_keys'>,
  parts: CallerParts,
): ((name: string, target: TargetConfig) => Admission) => {
  const prefixes = { own: api_keys.prefix, imported: api_keys.imported.flatMap(({ prefix }) => prefix ?? []) };
  const identify = identifyBy(parts.identifiers);

  return (name, target) => {
    const limits = limitsOf(target);
    const limit = createCallerLimit('target', name, limits, parts.limiter);
    return createAdmission({
      target: name,
      policy: callerPolicy(target),
      prefixes,
      identify,
      onReported: parts.onReported,

      limit(_caller, facts) {
        const key = facts.identity?.method === 'api_key' ? facts.identity : undefined;
        const told = limit(limits.length === 0 ? '' : counted(facts), key, 'enforce');
        return whenReady(told, (found) => (isRefusal(found) ? found : undefined));
      },
    });
  };
};
