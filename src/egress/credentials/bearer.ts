import type { Secret } from '../../core/secret.ts';
import type { Credential } from '../credential.ts';
import { dressing } from './dressing.ts';
import { fixedCredential } from './fixed.ts';
import type { VersionOf } from './version.ts';

/** RFC 6750 section 2.1. */
export const createBearer = (token: Secret, versionOf: VersionOf): Credential =>
  fixedCredential(
    { kind: 'bearer', version: versionOf('bearer', token.reveal()), headerNames: ['authorization'] },
    dressing(['Authorization', `Bearer ${token.reveal()}`]),
  );
