import { certificateTest } from '../../core/client-certificate.ts';
import { Wrong } from './leaf.ts';
import { text } from './texts.ts';

/** Whom an entry means is read here once: what cannot be read in one way is refused with its line. */
export const certificateEntry = text({
  label: 'certificate',
  expected: 'a subject such as CN=orders,O=Example, or uri:…, dns:…, sha256:…',
  placeholder: 'CN=placeholder',
  check: (raw) => (certificateTest(raw) ? raw : new Wrong('not a certificate')),
});
