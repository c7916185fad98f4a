/**
 * Locks of NUT-11, read so that no mint can read them otherwise: what is not known to leave the proof to us alone is a lock to
 * somebody else.
 */
import type { Lock } from '../core/payment.ts';

/** A secret of NUT-10 is a JSON array that begins with its kind. Any other text is no lock. */
const readCondition = (secret: string): readonly unknown[] | undefined => {
  if (!secret.trimStart().startsWith('[')) return undefined;
  try {
    const parsed: unknown = JSON.parse(secret);
    return Array.isArray(parsed) && typeof parsed[0] === 'string' ? parsed : undefined;
  } catch {
    return undefined;
  }
};

/** Escapes, spaces within texts and a member that is there twice are read in more than one way. */
const isPlain = (secret: string, parsed: unknown): boolean => JSON.stringify(parsed) === secret.replace(/\s/g, '');

type Data = Readonly<{ nonce: string; data: string; tags?: readonly (readonly string[])[] }>;

const isTag = (tag: unknown): boolean =>
  Array.isArray(tag) && tag.length > 1 && tag.every((part) => typeof part === 'string');

const isData = (value: unknown): value is Data => {
  if (typeof value !== 'object' || value === null) return false;
  const { nonce, data, tags, ...others } = value as Partial<Record<keyof Data, unknown>>;
  const isTagged = tags === undefined || (Array.isArray(tags) && tags.every(isTag));
  return typeof nonce === 'string' && typeof data === 'string' && isTagged && Object.keys(others).length === 0;
};

const isKey = (text: string): boolean => /^0[23][0-9a-f]{64}$/.test(text);
const isSeconds = (text: string): boolean => /^\d{1,12}$/.test(text);
const isCount = (text: string): boolean => /^[1-9]\d?$/.test(text);

/** What may stand in a tag. `pubkeys` is not among them, nor is any sign that more than our signature is needed. */
const values: Readonly<Record<string, (values: readonly string[]) => boolean>> = {
  sigflag: (given) => given.join() === 'SIG_INPUTS',
  n_sigs: (given) => given.join() === '1',
  locktime: (given) => given.length === 1 && given.every(isSeconds),
  refund: (given) => given.every(isKey),
  n_sigs_refund: (given) => given.length === 1 && given.every(isCount),
};

const isKnown = ([name = '', ...given]: readonly string[]): boolean =>
  Object.hasOwn(values, name) && values[name]?.(given) === true;

/** `foreign`: locked, and not surely to us alone. `publicKey`: ours, compressed; of a point its x alone counts. */
export const readLock = (secret: string, publicKey: string | undefined): Lock | 'none' | 'foreign' => {
  const condition = readCondition(secret);
  if (!condition) return 'none';
  const [kind, data, ...others] = condition;
  if (kind !== 'P2PK' || others.length > 0 || !isData(data) || !isPlain(secret, condition)) return 'foreign';
  const tags = new Map((data.tags ?? []).map((tag) => [tag[0], tag]));
  if (tags.size !== (data.tags ?? []).length || ![...tags.values()].every(isKnown)) return 'foreign';
  if (!isKey(data.data) || data.data.slice(2) !== publicKey?.slice(2)) return 'foreign';
  // A refund without a time from which it counts, or without a key, could mean anything.
  if (tags.has('refund') && !tags.has('locktime')) return 'foreign';
  if (tags.has('n_sigs_refund') && !tags.has('refund')) return 'foreign';
  const seconds = tags.get('locktime')?.[1];
  return { untilMs: seconds === undefined ? Number.POSITIVE_INFINITY : Number(seconds) * 1_000 };
};
