import type { Config } from './config.ts';
import type { Finding } from './finding.ts';
import type { Path } from './path.ts';
import { VaultReference } from './reference.ts';
import { isMapping } from './schema/forms.ts';

export type Referred = Readonly<{ path: Path; reference: VaultReference }>;

/** Every place that a value of Vault belongs to. */
export const vaultReferences = (value: unknown, path: Path = []): readonly Referred[] => {
  if (value instanceof VaultReference) return [{ path, reference: value }];
  if (Array.isArray(value)) return value.flatMap((item, index) => vaultReferences(item, [...path, index]));
  if (!isMapping(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => vaultReferences(inner, [...path, key]));
};

const methods = ['token', 'app_role', 'kubernetes'] as const;

const checkLogin = ({ auth }: NonNullable<Config['vault']>): Finding[] => {
  const given = methods.filter((method) => auth[method] !== undefined);
  if (given.length === 1) return [];
  const message = given.length === 0 ? 'no way to log in' : `more than one way to log in: ${given.join(', ')}`;
  const expected = `exactly one of ${methods.join(', ')}`;
  return [{ path: ['vault', 'auth'], message, expected, hint: 'VAULT_TOKEN sets token', reads: [['vault', 'auth']] }];
};

export const checkVault = ({ vault }: Config): Finding[] => {
  if (!vault) return [];
  const inside = vaultReferences(vault, ['vault']).map(
    ({ path }): Finding => ({ path, message: 'cannot be in Vault itself', expected: 'text, a variable or file:PATH' }),
  );
  return [...checkLogin(vault), ...inside];
};
