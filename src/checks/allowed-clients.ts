/** Which client certificates may come in, whoever the caller is besides. Read-only. */
import { certificateTest } from '../core/client-certificate.ts';
import { perObject } from '../core/per-object.ts';
import { type Refusal, refuse } from '../core/refusal.ts';
import type { AuthRequest, ClientCertificate } from '../core/request.ts';
import type { Check } from '../core/rule.ts';

const required = refuse('certificate_refused', 'A client certificate is required.');
const notAllowed = refuse('certificate_refused', 'The client certificate is none that may come in here.');

/**
 * `entries` are `uri:…`, `dns:…`, `sha256:…` or subjects, of which a certificate must meet one; without any, every
 * certificate that was verified may come in, and nobody without one. Everybody is asked, callers without a name too. Throws a
 * `TypeError` for an entry that cannot be read, which the configuration refuses before.
 */
export const createAllowedClientsCheck = (
  entries: readonly string[],
): ((...asked: Parameters<Check>) => Refusal | undefined) => {
  const tests = entries.map((entry) => {
    const test = certificateTest(entry);
    if (!test) throw new TypeError(`${entry}: not a certificate`);
    return test;
  });
  const judge = perObject((certificate: ClientCertificate): { refusal?: Refusal } =>
    tests.length === 0 || tests.some((test) => test(certificate)) ? {} : { refusal: notAllowed },
  );
  const check = ({ certificate }: AuthRequest): Refusal | undefined =>
    certificate ? judge(certificate).refusal : required;
  return Object.assign(check, { label: 'certificate' });
};
