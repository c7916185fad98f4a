/**
 * Signatures of bundles: a JWT that lists every file with its hash
 * (https://www.openpolicyagent.org/docs/management-bundles#signing).
 */
import { createHash, createPublicKey } from 'node:crypto';
import { compactVerify } from 'jose';
import { BundleError } from './bundle-error.ts';
import { canonicalJson } from './canonical-json.ts';

export type Verification = Readonly<{ /** In PEM. */ publicKey: string; algorithm: string }>;

const SIGNATURES = '.signatures.json';
/** How OPA calls its own way of signing. */
const OWN_PLUGIN = '_default';

/** By the names that OPA gives them. */
const hashes: ReadonlyMap<unknown, string> = new Map([
  ['SHA-256', 'sha256'],
  ['SHA-384', 'sha384'],
  ['SHA-512', 'sha512'],
]);

/** Hashed by what they mean, not by their bytes. */
const isStructured = (name: string): boolean => /(?:^|\/)(?:data\.json|data\.yaml|\.manifest)$/.test(name);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const parse = (text: string, what: string): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch {
    // Said below.
  }
  throw new BundleError(`${what} is no JSON object`);
};

const tokenOf = (files: ReadonlyMap<string, Buffer>): string => {
  const file = files.get(SIGNATURES);
  if (!file) throw new BundleError(`is not signed: it holds no ${SIGNATURES}`);
  const { signatures, plugin } = parse(file.toString('utf8'), SIGNATURES);
  if (plugin !== undefined && plugin !== OWN_PLUGIN)
    throw new BundleError('is signed by a plugin, which cannot be verified');
  const [token, ...others]: readonly unknown[] = Array.isArray(signatures) ? signatures : [];
  if (typeof token !== 'string' || others.length > 0) throw new BundleError(`expected one signature in ${SIGNATURES}`);
  return token;
};

const payloadOf = async (token: string, { publicKey, algorithm }: Verification) => {
  try {
    const { payload } = await compactVerify(token, createPublicKey(publicKey), { algorithms: [algorithm] });
    return parse(Buffer.from(payload).toString('utf8'), 'the signed list of files');
  } catch (error) {
    if (error instanceof BundleError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new BundleError(`its signature is not one of policy.verification_key by ${algorithm}: ${reason}`);
  }
};

const hashOf = (name: string, content: Buffer, algorithm: string): string => {
  const hashed = isStructured(name) ? canonicalJson(content.toString('utf8')) : content;
  return createHash(algorithm).update(hashed).digest('hex');
};

/** Every file must be listed, as it is here; every listed file must be here. Throws `BundleError`. */
export const verifySignature = async (files: ReadonlyMap<string, Buffer>, by: Verification): Promise<void> => {
  const { files: listed } = await payloadOf(tokenOf(files), by);
  if (!Array.isArray(listed)) throw new BundleError('the signed list of files is none');
  const left = new Set(files.keys());
  left.delete(SIGNATURES);
  for (const entry of listed) {
    const { name, hash, algorithm }: Readonly<Record<string, unknown>> = isObject(entry) ? entry : {};
    const content = typeof name === 'string' ? files.get(name) : undefined;
    if (typeof name !== 'string' || content === undefined) {
      throw new BundleError(`the signed list has a file that the bundle has not: ${JSON.stringify(name)}`);
    }
    const known = hashes.get(algorithm);
    if (known === undefined) throw new BundleError(`${name} is hashed by ${JSON.stringify(algorithm)}, not by SHA-2`);
    if (hashOf(name, content, known) !== hash) throw new BundleError(`${name} is not the one that was signed`);
    left.delete(name);
  }
  const [stranger] = left;
  if (stranger !== undefined) throw new BundleError(`${stranger} is not in the signed list of files`);
};
