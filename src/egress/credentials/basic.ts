import type { Secret } from '../../core/secret.ts';
import type { Credential } from '../credential.ts';
import { dressing } from './dressing.ts';
import { fixedCredential } from './fixed.ts';
import type { VersionOf } from './version.ts';

/** RFC 7617, in UTF-8. A user name has no colon, or part of it would be read as the password. */
export const createBasic = (username: Secret, password: Secret, versionOf: VersionOf): Credential => {
  const [user, pass] = [username.reveal(), password.reveal()];
  if (user.includes(':')) throw new Error('a user name of basic authentication has no colon');
  const encoded = Buffer.from(`${user}:${pass}`, 'utf8').toString('base64');
  return fixedCredential(
    { kind: 'basic', version: versionOf('basic', user, pass), headerNames: ['authorization'] },
    dressing(['Authorization', `Basic ${encoded}`]),
  );
};
