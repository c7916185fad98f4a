import { formatPath, type Path } from '../path.ts';
import { isMapping } from '../schema/forms.ts';
import { type Environment, variableIn } from './interpolate.ts';
import { textOf, Variable } from './variable.ts';

type Mapping = Readonly<Record<string, unknown>>;

/** Many people have these variables set for other programs: then they count only where the feature is asked for. */
type Condition = Readonly<{ words: string; holds: (root: Mapping, env: Environment) => boolean }>;

type Row = Readonly<{
  variable: string;
  path: Path;
  when?: Condition;
  /** Whether the variable also switches its block on. */
  enables?: boolean;
}>;

const saysNo = (raw: unknown): boolean => raw === false || /^(false|no|off|0)$/i.test(textOf(raw) ?? '');

const resolverOn: Condition = {
  words: 'where the resolver is on',
  holds: ({ resolver }, env) =>
    variableIn(env, 'CREDENTIAL_SOURCE') !== undefined || (isMapping(resolver) && !saysNo(resolver['enabled'])),
};

const podsWanted: Condition = {
  words: 'where there is a `pods` block, or ENABLE_POD_PROVISIONING',
  holds: ({ pods }, env) => pods !== undefined || variableIn(env, 'ENABLE_POD_PROVISIONING') !== undefined,
};

const billingWanted: Condition = {
  words: 'where there is a `billing` block',
  holds: ({ billing }) => billing !== undefined,
};

const isVaultReference = (raw: unknown): boolean => {
  if (Array.isArray(raw)) return raw.some(isVaultReference);
  if (isMapping(raw)) return Object.values(raw).some(isVaultReference);
  return textOf(raw)?.startsWith('vault:') === true;
};

const vaultWanted: Condition = {
  words: 'where there is a `vault` block, or a secret is `vault:…`',
  holds: (root) => root['vault'] !== undefined || isVaultReference(root),
};

const vaultTokenWanted: Condition = {
  words: 'likewise, unless `vault.auth` names another way to log in',
  holds: (root, env) => {
    const auth = isMapping(root['vault']) ? root['vault']['auth'] : undefined;
    const other = isMapping(auth) && (auth['app_role'] !== undefined || auth['kubernetes'] !== undefined);
    return vaultWanted.holds(root, env) && !other;
  },
};

// biome-ignore format: a table is read by its columns
export const overlayRows: readonly Row[] = [
  { variable: 'DEFAULT_PAYMENT_AMOUNT',  path: ['cashu', 'default_amount'] },
  { variable: 'DATABASE_URL',            path: ['store'] },
  { variable: 'REDIS_URL',               path: ['redis'] },
  { variable: 'ENABLE_POD_PROVISIONING', path: ['pods', 'enabled'] },
  { variable: 'POD_NAMESPACE',           path: ['pods', 'namespace'],                              when: podsWanted },
  { variable: 'CREDENTIAL_SOURCE',       path: ['resolver', 'source'],                             enables: true },
  { variable: 'JWT_MODE',                path: ['resolver', 'mode'],                               when: resolverOn },
  { variable: 'JWT_SECRET',              path: ['resolver', 'secret'],                             when: resolverOn },
  { variable: 'ANTHROPIC_API_KEY',       path: ['resolver', 'credentials', 'anthropic', 'api_key'], when: resolverOn },
  { variable: 'CORALOGIX_API_KEY',       path: ['resolver', 'credentials', 'coralogix', 'api_key'], when: resolverOn },
  { variable: 'CORALOGIX_DOMAIN',        path: ['resolver', 'credentials', 'coralogix', 'domain'],  when: resolverOn },
  { variable: 'STRIPE_API_KEY',          path: ['billing', 'stripe_api_key'],                      when: billingWanted },
  { variable: 'VAULT_ADDR',              path: ['vault', 'address'],                               when: vaultWanted },
  { variable: 'VAULT_NAMESPACE',         path: ['vault', 'namespace'],                             when: vaultWanted },
  { variable: 'VAULT_TOKEN',             path: ['vault', 'auth', 'token'],                         when: vaultTokenWanted },
];

/** Puts a value into a copy. Where something that is no mapping is in the way it stays, and is reported as what it is. */
const withValue = (raw: unknown, path: Path, value: unknown): unknown => {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  const mapping = raw ?? {};
  return isMapping(mapping) ? { ...mapping, [key]: withValue(mapping[key], rest, value) } : raw;
};

export type Overlay = Readonly<{
  value: unknown;
  /** Which variable set a path. */
  setBy: readonly Readonly<{ variable: string; path: Path }>[];
  notices: readonly string[];
}>;

/** Lays the environment over the file. The environment wins, and every variable that took effect gives a notice. */
export const overlayEnvironment = (file: unknown, env: Environment): Overlay => {
  const root = isMapping(file) ? file : {};
  const active = overlayRows.flatMap((row) => {
    const text = variableIn(env, row.variable);
    return text === undefined || row.when?.holds(root, env) === false ? [] : [{ ...row, text }];
  });
  const value = active.reduce<unknown>((raw, { path, variable, text, enables }) => {
    const set = withValue(raw, path, new Variable(variable, text));
    return enables ? withValue(set, [path[0] ?? '', 'enabled'], true) : set;
  }, file);
  return {
    value,
    setBy: active.map(({ variable, path }) => ({ variable, path })),
    notices: active.map(({ variable, path, enables }) => {
      const also = enables ? ` and switches ${formatPath(path.slice(0, 1))} on` : '';
      return `the environment variable ${variable} sets ${formatPath(path)}${also}`;
    }),
  };
};
