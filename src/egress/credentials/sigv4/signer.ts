/** Signature Version 4 of AWS, by Smithy's signer over Node's own hashing. */
import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import type { Secret } from '../../../core/secret.ts';
import { queryOf, s3Path } from './canonical.ts';

export type SigV4Keys = Readonly<{
  accessKeyId: Secret;
  secretAccessKey: Secret;
  sessionToken: Secret | undefined;
  region: string;
  service: string;
}>;

export type Signable = Readonly<{
  method: string;
  /** With the port where it is sent. */
  host: string;
  /** In origin form, as it will be sent. */
  path: string;
  /** Those that are signed besides `Host`, by their names in lower case. */
  headers: Readonly<Record<string, string>>;
  body: Buffer | undefined;
}>;

/** Services that take object keys as they are: their paths are escaped once (Amazon S3 API reference, "Signature V4"). */
export const takesObjectKeys = (service: string): boolean => /^s3(?:-outposts|-object-lambda)?$/.test(service);

type Data = string | ArrayBuffer | ArrayBufferView;

const bytesOf = (data: Data): string | Uint8Array => {
  if (typeof data === 'string') return data;
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
};

/** As Smithy wants a hash: with a key, an HMAC. */
class Sha256 {
  readonly #key: string | Uint8Array | undefined;
  #hash: Hash | Hmac;

  constructor(key?: Data) {
    this.#key = key === undefined ? undefined : bytesOf(key);
    this.#hash = this.#begin();
  }

  #begin(): Hash | Hmac {
    return this.#key === undefined ? createHash('sha256') : createHmac('sha256', this.#key);
  }

  update(data: Data): void {
    this.#hash.update(bytesOf(data));
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {
    this.#hash = this.#begin();
  }
}

export type Signer = (signable: Signable, at: Date) => Promise<Readonly<Record<string, string>>>;

/** Gives every header that was signed, and `authorization`. */
export const createSigner = (keys: SigV4Keys, { applyChecksum = true } = {}): Signer => {
  const { accessKeyId, secretAccessKey, sessionToken, region, service } = keys;
  const isObjectStore = takesObjectKeys(service);
  const signer = new SignatureV4({
    credentials: {
      accessKeyId: accessKeyId.reveal(),
      secretAccessKey: secretAccessKey.reveal(),
      ...(sessionToken && { sessionToken: sessionToken.reveal() }),
    },
    region,
    service,
    sha256: Sha256,
    uriEscapePath: !isObjectStore,
    applyChecksum,
  });
  return async ({ method, host, path: target, headers, body }, at) => {
    const mark = target.indexOf('?');
    const path = mark < 0 ? target : target.slice(0, mark);
    const request = {
      protocol: 'https:',
      hostname: host,
      method,
      path: isObjectStore ? s3Path(path) : path,
      query: mark < 0 ? {} : queryOf(target.slice(mark + 1)),
      headers: { ...headers, host },
      body,
    };
    const signed = await signer.sign(request, { signingDate: at });
    return signed.headers;
  };
};
