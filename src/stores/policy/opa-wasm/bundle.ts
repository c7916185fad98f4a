/**
 * A policy that `opa build -t wasm` compiled: `bundle.tar.gz`, or the `policy.wasm` from it
 * (https://www.openpolicyagent.org/docs/management-bundles#bundle-file-format).
 */
import { gunzipSync } from 'node:zlib';
import { BundleError } from './bundle-error.ts';
import { canonicalJson } from './canonical-json.ts';
import { type Verification, verifySignature } from './signature.ts';
import { readTar } from './tar.ts';

export type Bundle = Readonly<{ wasm: Buffer /** JSON text. */; data: string }>;

const MAX_BYTES = 64 * 1024 * 1024;
const WASM_MAGIC = Buffer.from('\0asm');

const unzip = (bytes: Buffer): Buffer => {
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_BYTES });
  } catch (error) {
    const isLarge = error instanceof RangeError;
    throw new BundleError(isLarge ? `larger than ${MAX_BYTES} bytes` : 'neither a gzipped tar archive nor WebAssembly');
  }
};

/** `opa build` merges all data into one file, and compiles all policies into one module. */
const checkNames = (files: ReadonlyMap<string, Buffer>): void => {
  const stray = [...files.keys()].find(
    (name) => name !== 'data.json' && /(?:^|\/)(?:data\.(?:json|ya?ml)|patch\.json)$/.test(name),
  );
  if (stray !== undefined) throw new BundleError(`holds ${stray}: make one bundle of all with "opa build -t wasm"`);
  const modules = [...files.keys()].filter((name) => name.endsWith('.wasm'));
  const other = modules.find((name) => name !== 'policy.wasm');
  if (other !== undefined) throw new BundleError(`holds ${other}: expected one module, policy.wasm`);
  if (modules.length === 0) {
    throw new BundleError('holds no policy.wasm: make it with "opa build -t wasm -e orders/allow …"');
  }
};

/** Written anew: what was hashed and what is evaluated are one reading, also where a key stands there twice. */
const textOf = (data: Buffer | undefined): string => {
  const text = data === undefined ? '{}' : canonicalJson(data.toString('utf8'));
  if (!text.startsWith('{')) throw new BundleError('data.json is no JSON object');
  return text;
};

/** Throws `BundleError`. `verification`: nothing of a bundle is used before its signature has been verified. */
export const readBundle = async (bytes: Buffer, verification?: Verification): Promise<Bundle> => {
  if (bytes.length > MAX_BYTES) throw new BundleError(`larger than ${MAX_BYTES} bytes`);
  if (bytes.subarray(0, 4).equals(WASM_MAGIC)) {
    if (verification) throw new BundleError('a bare module has no signature: give the whole signed bundle');
    return { wasm: bytes, data: '{}' };
  }
  const files = readTar(unzip(bytes));
  if (verification) await verifySignature(files, verification);
  checkNames(files);
  const wasm = files.get('policy.wasm');
  if (!wasm) throw new Error('unreachable: its name was checked');
  return { wasm, data: textOf(files.get('data.json')) };
};
