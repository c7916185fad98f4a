import { type Credential, CredentialForbidden, CredentialUnavailable, type LeavingCall } from '../credential.ts';
import { dressing } from './dressing.ts';
import { createSigner, type SigV4Keys, takesObjectKeys } from './sigv4/signer.ts';
import type { VersionOf } from './version.ts';

export type AwsSigV4Options = Readonly<{
  keys: SigV4Keys;
  /** Whether calls go by TLS, which then is what protects a body that is not signed. */
  isSecure: boolean;
  /** Of a body that is hashed before it leaves. */
  mostBodyBytes: number;
  now: () => number;
  versionOf: VersionOf;
}>;

/** What is put on the call, in place of whatever the caller signed with. */
const set = ['authorization', 'x-amz-date', 'x-amz-content-sha256', 'x-amz-security-token'];

/** A presigned URL in the query beside a signature in a header is refused by AWS. */
const presigned = ['Algorithm', 'Credential', 'Date', 'Expires', 'SignedHeaders', 'Signature', 'Security-Token'].map(
  (name) => `X-Amz-${name}`,
);

/** AWS wants every `x-amz-` header signed, and no more than that and the type: what others may change on the way is left out. */
const isSigned = (name: string): boolean =>
  (name.startsWith('x-amz-') && !set.includes(name)) || name === 'content-type';

/** Header values are bytes, one a character; the signer takes text and makes UTF-8 of it. */
const textOf = (value: string): string => Buffer.from(value, 'latin1').toString('utf8').trim();

const signedHeaders = ({ headers }: LeavingCall): Record<string, string> => {
  const found: Record<string, string> = {};
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index]?.toLowerCase() ?? '';
    const value = headers[index + 1] ?? '';
    if (name === 'content-encoding' && /(^|,)\s*aws-chunked/i.test(value))
      throw new CredentialForbidden('a body in aws-chunked carries signatures of the caller, which AWS would refuse');
    if (isSigned(name)) found[name] = name in found ? `${found[name]},${textOf(value)}` : textOf(value);
  }
  return found;
};

/**
 * Each call is signed anew, at its own time. To S3 by TLS the body streams and is not signed (`UNSIGNED-PAYLOAD`);
 * everywhere else it is hashed first.
 */
export const createAwsSigV4 = ({ keys, isSecure, mostBodyBytes, now, versionOf }: AwsSigV4Options): Credential => {
  const isUnsigned = takesObjectKeys(keys.service) && isSecure;
  const sign = createSigner(keys);
  const { accessKeyId, secretAccessKey, sessionToken, region, service } = keys;
  const secrets = [accessKeyId, secretAccessKey, sessionToken].map((secret) => secret?.reveal());
  return {
    kind: 'aws_sigv4',
    version: versionOf('aws_sigv4', ...secrets, region, service),
    headerNames: set,
    queryNames: presigned,
    body: isUnsigned ? 'streamed' : 'buffered',
    ...(!isUnsigned && { mostBodyBytes }),

    async dress(call) {
      const { method, origin, path, body } = call;
      const headers = {
        ...signedHeaders(call),
        ...(isUnsigned && { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }),
      };
      try {
        const signed = await sign({ method, host: new URL(origin).host, path, headers, body }, new Date(now()));
        return dressing(set.flatMap((name) => (signed[name] === undefined ? [] : [name, signed[name]])));
      } catch (error) {
        if (error instanceof CredentialForbidden) throw error;
        throw new CredentialUnavailable('the call could not be signed', { cause: error });
      }
    },
  };
};
