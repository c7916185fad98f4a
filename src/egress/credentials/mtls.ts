import type { Credential } from '../credential.ts';
import { nothingOn } from './dressing.ts';
import { fixedCredential } from './fixed.ts';
import type { VersionOf } from './version.ts';

/** The certificate is shown by the connection; on the call there is nothing. `certificate`: what tells it from another. */
export const createMtls = (certificate: string, versionOf: VersionOf): Credential =>
  fixedCredential({ kind: 'mtls', version: versionOf('mtls', certificate) }, nothingOn);
