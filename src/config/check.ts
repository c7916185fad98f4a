import { checkCertificates } from './check-certificates.ts';
import { checkCredentials } from './check-credentials.ts';
import { checkEgress } from './check-egress.ts';
import { checkEgressRoutes } from './check-egress-routes.ts';
import { checkIssuers } from './check-issuers.ts';
import { checkPayment } from './check-payment.ts';
import { checkPolicy } from './check-policy.ts';
import { checkProxy } from './check-proxy.ts';
import { checkResolver } from './check-resolver.ts';
import { checkRules } from './check-rules.ts';
import { checkServices } from './check-services.ts';
import { checkStore } from './check-store.ts';
import { checkVault } from './check-vault.ts';
import type { Config } from './config.ts';
import type { Finding } from './finding.ts';
import { type Path, startsWith } from './path.ts';
import { checkPods } from './pods/check-pods.ts';
import { checkUnsafe } from './unsafe.ts';

const overlaps = (a: Path, b: Path): boolean => startsWith(a, b) || startsWith(b, a);

/**
 * Everything that needs more than one key to see. `known` are the findings so far: what could only be their echo (a rule
 * that names an issuer which could not be read) is left out. `inTemplates` were found in pod templates. `original` undoes what was left out of `config`.
 */
export const check = (
  config: Config,
  inTemplates: readonly Finding[],
  insecure: ReadonlySet<string>,
  original: (path: Path) => Path,
  known: readonly Finding[],
): Finding[] => {
  const findings = [
    ...checkServices(config),
    ...checkStore(config),
    ...checkIssuers(config),
    ...checkPayment(config),
    ...checkRules(config),
    ...checkCertificates(config),
    ...checkPolicy(config),
    ...checkProxy(config),
    ...checkEgress(config),
    ...checkEgressRoutes(config),
    ...checkCredentials(config),
    ...checkResolver(config),
    ...checkPods(config),
    ...checkVault(config),
    ...checkUnsafe(config, insecure),
    ...inTemplates,
  ].map((finding) => ({
    ...finding,
    path: original(finding.path),
    ...(finding.refersTo && { refersTo: original(finding.refersTo) }),
    reads: finding.reads?.map(original) ?? [],
  }));
  return findings.filter(
    ({ path, reads }) => !known.some((other) => [path, ...reads].some((touched) => overlaps(other.path, touched))),
  );
};
