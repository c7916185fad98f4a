/**
 * Files of a tar archive as `opa build` writes it: POSIX.1-1988 (ustar) and POSIX.1-2001 (pax) headers, regular files and
 * directories. Whatever else an archive may hold, links above all, is refused, and so is a name that is there twice.
 */
import { BundleError } from './bundle-error.ts';

const BLOCK = 512;
const MOST_FILES = 4_096;
const LONGEST_NAME = 1_024;

const textAt = (block: Buffer, start: number, length: number): string => {
  const field = block.subarray(start, start + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end === -1 ? length : end);
};

const octalAt = (block: Buffer, start: number, length: number): number => {
  const text = textAt(block, start, length).trim();
  if (!/^[0-7]+$/.test(text)) throw new BundleError('the archive is damaged: a header holds no number');
  return Number.parseInt(text, 8);
};

/** The sum of a header's bytes, its own place taken for spaces. */
const checksumOf = (block: Buffer): number =>
  block.reduce((sum, byte, index) => sum + (index >= 148 && index < 156 ? 32 : byte), 0);

/** `25 path=a/long/name\n`: the length in decimal, of all of it. */
const paxPath = (records: Buffer): string | undefined => {
  let path: string | undefined;
  for (let at = 0; at < records.length; ) {
    const space = records.indexOf(' ', at);
    const length = Number(records.toString('latin1', at, space === -1 ? at : space));
    const record = records.toString('utf8', space + 1, at + length);
    if (!Number.isSafeInteger(length) || length <= 0 || at + length > records.length || !record.endsWith('\n')) {
      throw new BundleError('the archive is damaged: a pax header cannot be read');
    }
    if (record.startsWith('size=')) throw new BundleError('the archive holds a file of more than 8 GiB');
    if (record.startsWith('path=')) path = record.slice('path='.length, -1);
    at += length;
  }
  return path;
};

/** Names without a leading `/`, as manifests and signatures have them. */
const plainName = (name: string): string => {
  const plain = name.replace(/^(?:\.?\/)+/, '');
  const isUnsafe = plain.split('/').some((part) => part === '' || part === '.' || part === '..');
  if (isUnsafe || plain.length > LONGEST_NAME || plain.includes('\\') || /\p{Cc}/u.test(plain)) {
    throw new BundleError(`the archive holds a file of an unsafe name: ${JSON.stringify(name.slice(0, 100))}`);
  }
  return plain;
};

type Entry = Readonly<{ name: string; kind: string; content: Buffer }>;

const contentOf = (archive: Buffer, at: number, size: number): Buffer => {
  const content = archive.subarray(at, at + size);
  if (content.length < size) throw new BundleError('the archive ends in the middle of a file');
  return content;
};

/** All that it holds, with the names of its headers. */
function* entriesOf(archive: Buffer): Generator<Entry> {
  for (let at = 0; at + BLOCK <= archive.length; ) {
    const header = archive.subarray(at, at + BLOCK);
    if (header.every((byte) => byte === 0)) return;
    if (octalAt(header, 148, 8) !== checksumOf(header)) throw new BundleError('the archive is damaged, or is no tar');
    const size = octalAt(header, 124, 12);
    const prefix = textAt(header, 345, 155);
    const name = (prefix === '' ? '' : `${prefix}/`) + textAt(header, 0, 100);
    yield { name, kind: String.fromCharCode(header[156] ?? 0), content: contentOf(archive, at + BLOCK, size) };
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  throw new BundleError('the archive has no end');
}

const longName = 'x';
const forAll = 'g';
const directory = '5';
const regular: readonly string[] = ['0', '\0'];

/** Throws `BundleError`. */
export const readTar = (archive: Buffer): ReadonlyMap<string, Buffer> => {
  const files = new Map<string, Buffer>();
  let following: string | undefined;
  for (const { name, kind, content } of entriesOf(archive)) {
    const given = following ?? name;
    following = kind === longName ? paxPath(content) : undefined;
    if (kind === longName || kind === forAll || kind === directory) continue;
    const plain = plainName(given);
    if (!regular.includes(kind)) throw new BundleError(`the archive holds ${plain}, which is no regular file`);
    if (files.has(plain)) throw new BundleError(`the archive holds ${plain} twice`);
    if (files.size === MOST_FILES) throw new BundleError(`the archive holds more than ${MOST_FILES} files`);
    files.set(plain, content);
  }
  return files;
};
