import { Secret } from '../../core/secret.ts';
import { standIn } from '../read/variable.ts';
import { FileReference, VaultReference } from '../reference.ts';
import { leaf, Wrong } from './leaf.ts';

const vaultForm = /^vault:([^\s#]+)#([^\s#]+)$/;

/** A line break in a credential would end the header it is put into; keys in PEM and JSON have them by nature. */
export const secretProblem = (text: string): string | undefined => {
  if (text === '') return 'empty';
  if (text.includes('\0')) return 'holds a NUL character';
  const multiline = text.startsWith('-----BEGIN ') || text.startsWith('{');
  return !multiline && /\p{Cc}/u.test(text) ? 'holds a line break or another control character' : undefined;
};

const fileOf = (raw: string, secret: boolean): FileReference | Wrong | undefined => {
  if (!raw.startsWith('file:')) return undefined;
  const path = raw.slice('file:'.length);
  return path === '' ? new Wrong('names no file', 'write file:/run/secrets/name') : new FileReference(path, { secret });
};

const vaultOf = (raw: string): VaultReference | Wrong | undefined => {
  if (!raw.startsWith('vault:')) return undefined;
  const [, path, key] = vaultForm.exec(raw) ?? [];
  const isPath = path?.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..');
  if (path !== undefined && key !== undefined && isPath) return new VaultReference(path, key);
  return new Wrong('not a Vault reference', 'write vault:secret/data/path#key');
};

/** The text itself, `file:PATH` or `vault:PATH#KEY`. */
export const secret = leaf<Secret | VaultReference | FileReference>({
  label: 'secret',
  secret: true,
  expected: 'text, file:PATH or vault:PATH#KEY',
  json: { type: 'string', minLength: 1 },
  placeholder: new Secret(standIn),
  read: (raw) => {
    if (raw instanceof Secret) return raw;
    if (typeof raw === 'number' || typeof raw === 'boolean') return new Wrong('not text', 'put the value in quotes');
    if (typeof raw !== 'string') return undefined;
    const reference = fileOf(raw, true) ?? vaultOf(raw);
    if (reference) return reference;
    const problem = secretProblem(raw);
    return problem === undefined ? new Secret(raw) : new Wrong(problem);
  },
});

/** A public key or certificate: not secret, but as often kept in a file. */
export const publicText = leaf<string | FileReference>({
  label: 'PEM',
  expected: 'a public key or certificate in PEM, or file:PATH',
  json: { type: 'string', minLength: 1 },
  placeholder: standIn,
  read: (raw) => (typeof raw === 'string' ? (fileOf(raw, false) ?? raw) : undefined),
});
