/** Checks a call as AWS does: from what arrived, by its documentation, and by no code of the signer's. */
import { createHash, createHmac } from 'node:crypto';
import type { Asked } from './loopback.ts';

export type AwsAccount = Readonly<{
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  region: string;
  service: string;
}>;

const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest();

/** Bytes, one a character, escaped as AWS does: everything but unreserved characters. */
const uriEncode = (bytes: string, keep = ''): string =>
  Array.from(bytes, (one) =>
    /[A-Za-z0-9\-._~]/.test(one) || keep.includes(one)
      ? one
      : `%${one.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  ).join('');

const uriDecode = (text: string): string =>
  text.replace(/%([0-9A-Fa-f]{2})/g, (_found, hex) => String.fromCharCode(Number.parseInt(hex, 16)));

const canonicalPath = (path: string, service: string): string =>
  service === 's3' ? uriEncode(uriDecode(path), '/') : uriEncode(path, '/');

const canonicalQuery = (query: string): string =>
  query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const [name = '', ...value] = pair.split('=');
      return [uriEncode(uriDecode(name)), uriEncode(uriDecode(value.join('=')))] as const;
    })
    .sort(([a, x], [b, y]) => (a === b ? (x < y ? -1 : 1) : a < b ? -1 : 1))
    .map((pair) => pair.join('='))
    .join('&');

const headersOf = (raw: readonly string[]): Map<string, string> => {
  const headers = new Map<string, string>();
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index]?.toLowerCase() ?? '';
    const value = (raw[index + 1] ?? '').trim().replace(/ +/g, ' ');
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before},${value}`);
  }
  return headers;
};

const form =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;

const FIFTEEN_MINUTES_MS = 900_000;

type Received = Pick<Asked, 'method' | 'url' | 'rawHeaders' | 'body'>;

const dateOf = (text: string): number =>
  Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));

type Claim = Readonly<{ id: string; day: string; region: string; service: string; names: string; signature: string }>;

const claimOf = (headers: ReadonlyMap<string, string>): Claim | undefined => {
  const [found, id = '', day = '', region = '', service = '', names = '', signature = ''] =
    form.exec(headers.get('authorization') ?? '') ?? [];
  return found === undefined ? undefined : { id, day, region, service, names, signature };
};

/** Whose it is, for what and when; and whether all that must be is signed. */
const formalProblem = (
  headers: ReadonlyMap<string, string>,
  { id, day, region, service, names }: Claim,
  account: AwsAccount,
  nowMs: number,
): string | undefined => {
  const token = headers.get('x-amz-security-token');
  if (id !== account.accessKeyId || token !== account.sessionToken) return 'InvalidClientTokenId';
  if (region !== account.region || service !== account.service) return 'wrong scope';
  const date = headers.get('x-amz-date') ?? '';
  const isNow = date.startsWith(day) && Math.abs(nowMs - dateOf(date)) <= FIFTEEN_MINUTES_MS;
  if (!isNow) return 'RequestTimeTooSkewed';
  const signed = names.split(';');
  const unsigned = [...headers.keys()].filter((name) => name.startsWith('x-amz-') && !signed.includes(name));
  if (!signed.includes('host') || unsigned.length > 0) return `AccessDenied: not signed: ${unsigned.join()}`;
  return signed.toSorted().join(';') === names ? undefined : 'SignedHeaders out of order';
};

const bodyProblem = (stated: string | undefined, hash: string, service: string): string | undefined => {
  if (stated === undefined) return service === 's3' ? 'Missing x-amz-content-sha256' : undefined;
  return stated === 'UNSIGNED-PAYLOAD' || stated === hash ? undefined : 'XAmzContentSHA256Mismatch';
};

/** What AWS would refuse the call for; undefined where it would not. */
export const sigV4Problem = (asked: Received, account: AwsAccount, nowMs: number): string | undefined => {
  const headers = headersOf(asked.rawHeaders);
  const claim = claimOf(headers);
  if (!claim) return 'IncompleteSignature';
  const { day, region, service, names, signature } = claim;
  const stated = headers.get('x-amz-content-sha256');
  const hash = sha256(asked.body);
  const problem = formalProblem(headers, claim, account, nowMs) ?? bodyProblem(stated, hash, service);
  if (problem !== undefined) return problem;
  const [path = '', ...query] = asked.url.split('?');
  const canonical = [
    asked.method,
    canonicalPath(path, service),
    canonicalQuery(query.join('?')),
    ...names.split(';').map((name) => `${name}:${headers.get(name) ?? ''}`),
    '',
    names,
    stated ?? hash,
  ].join('\n');
  const scope = `${day}/${region}/${service}/aws4_request`;
  // Header values came as bytes, one a character.
  const digest = sha256(Buffer.from(canonical, 'latin1'));
  const toSign = ['AWS4-HMAC-SHA256', headers.get('x-amz-date'), scope, digest].join('\n');
  const key = scope.split('/').reduce<string | Buffer>(hmac, `AWS4${account.secretAccessKey}`);
  return hmac(key, toSign).toString('hex') === signature ? undefined : 'SignatureDoesNotMatch';
};
