import { textOf } from '../read/variable.ts';
import { DocumentReference, type DocumentText } from '../reference.ts';
import { isMapping } from './forms.ts';
import { leaf, Wrong } from './leaf.ts';

/** Values as YAML gave them, with variables in place. */
const plain = (raw: unknown): unknown => {
  if (Array.isArray(raw)) return raw.map(plain);
  if (isMapping(raw)) return Object.fromEntries(Object.entries(raw).map(([key, value]) => [key, plain(value)]));
  return textOf(raw) ?? raw;
};

/** A mapping that another system defines and checks, in place or in a file. */
export const opaque = ({ label, expected }: Readonly<{ label: string; expected: string }>) =>
  leaf<Readonly<Record<string, unknown>> | DocumentText | DocumentReference>({
    label,
    expected,
    json: { anyOf: [{ type: 'object' }, { type: 'string', pattern: '^file:|\\$\\{' }] },
    placeholder: {},
    read: (raw) => {
      if (typeof raw === 'string' && raw.startsWith('file:')) {
        const path = raw.slice('file:'.length);
        return path === '' ? new Wrong('names no file') : new DocumentReference(path);
      }
      const value = plain(raw);
      return isMapping(value) ? value : undefined;
    },
  });
