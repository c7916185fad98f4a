/** Loading a configuration whose secrets are in Vault: what is referred to is fetched, and takes the place of its reference. */

import { vaultReferences } from '../config/check-vault.ts';
import type { Config } from '../config/config.ts';
import { needsRestart } from '../config/difference.ts';
import type { LoadedConfig } from '../config/load.ts';
import { ConfigError, type Problem } from '../config/problem.ts';
import { pack, type Recording, unpack, type VaultValues } from '../config/recording.ts';
import { nameOf } from '../config/settle.ts';
import { Secret } from '../core/secret.ts';
import { createOutbound } from '../stores/outbound/exchange.ts';
import { createVaultCall } from '../stores/vault/call.ts';
import { createLogin, type VaultAuth } from '../stores/vault/login.ts';
import { type Found, type Reference, readSecrets } from '../stores/vault/read-secrets.ts';
import { createVaultSession } from '../stores/vault/session.ts';

export type SecretLoader = Readonly<{
  /** Throws `ConfigError` with every secret that cannot be had. With a recording the rest is as it was, and only secrets are asked for. */
  load(recording?: Recording): Promise<LoadedConfig>;
  /** Renews the login where it is time. Called every second or so; throws where it cannot be kept. */
  keepAlive(): Promise<void>;
  close(): Promise<void>;
}>;

type VaultConfig = NonNullable<Config['vault']>;

type Vault = Readonly<{
  settings: string;
  read(references: readonly Reference[]): Promise<ReadonlyMap<Reference, Found>>;
  keepAlive(): Promise<void>;
  close(): Promise<void>;
}>;

const authOf = ({ auth }: VaultConfig): VaultAuth => {
  const { token, app_role: role, kubernetes } = auth;
  if (kubernetes) {
    return { method: 'kubernetes', mount: kubernetes.mount, role: kubernetes.role, jwtFile: kubernetes.jwt_file };
  }
  if (role?.role_id instanceof Secret) {
    const secretId = role.secret_id instanceof Secret ? role.secret_id : undefined;
    return { method: 'app_role', mount: role.mount, roleId: role.role_id, secretId };
  }
  if (token instanceof Secret) return { method: 'token', token };
  throw new TypeError('vault.auth names no way to log in');
};

/** Equal where the same Vault is asked in the same way. Holds secrets. */
const settingsOf = (vault: VaultConfig): string => {
  const { token, app_role: role } = vault.auth;
  const secrets = [token, role?.role_id, role?.secret_id].map((value) =>
    value instanceof Secret ? value.reveal() : '',
  );
  return JSON.stringify([vault, secrets]);
};

const openVault = (vault: VaultConfig, now: () => number): Vault => {
  const outbound = createOutbound(undefined, undefined, vault.ca_cert);
  const { address, namespace, timeout: timeoutMs } = vault;
  const call = createVaultCall({ address, namespace, timeoutMs, outbound });
  const auth = authOf(vault);
  const session = createVaultSession({ call, logIn: createLogin(call, auth), isGiven: auth.method === 'token', now });
  return {
    settings: settingsOf(vault),
    read: (references) => readSecrets(references, { call, session }),
    keepAlive: session.keepAlive,

    async close() {
      await session.close();
      outbound.close();
    },
  };
};

const unnamed = {
  message: 'is in Vault, but no Vault is named',
  hint: 'add the vault block, or set VAULT_ADDR and VAULT_TOKEN',
};

/** `loadOnce` loads without Vault: from the files, or from a recording with what Vault gave. */
export const createSecretLoader = (
  loadOnce: (recording?: Recording) => LoadedConfig,
  now: () => number,
): SecretLoader => {
  let vault: Vault | undefined;

  const vaultOf = async (config: VaultConfig): Promise<Vault> => {
    if (vault?.settings === settingsOf(config)) return vault;
    await vault?.close();
    vault = openVault(config, now);
    return vault;
  };

  /** Of `before`, what only a restart takes over stays as it is: it must not hold back what can change. */
  const valuesFor = async ({ config, place }: LoadedConfig, before: VaultValues = {}): Promise<VaultValues> => {
    const { vault: named, ...rest } = config;
    const referred = vaultReferences(rest);
    if (!named) {
      throw new ConfigError(referred.map(({ path }): Problem => ({ ...place(path), ...unnamed })));
    }
    const lasting = new Set(
      referred.filter(({ path }) => needsRestart(path)).map(({ reference }) => nameOf(reference)),
    );
    const kept = Object.entries(before).filter(([name]) => lasting.has(name));
    const keptNames = new Set(kept.map(([name]) => name));
    const wanted = referred.filter(({ reference }) => !keptNames.has(nameOf(reference)));
    const { read } = await vaultOf(named);
    const found = await read(wanted.map(({ reference }) => reference));
    return Object.fromEntries([
      ...kept,
      ...[...found].map(([reference, value]) => [nameOf(reference), value] as const),
    ]);
  };

  return {
    async load(recording) {
      const recorded = recording && unpack(recording);
      const loaded = loadOnce(recorded && pack({ ...recorded, vault: undefined }));
      if (vaultReferences(loaded.config).length === 0) return loaded;
      const values = await valuesFor(loaded, recorded?.vault);
      return loadOnce(pack({ ...unpack(loaded.recording), vault: values }));
    },

    keepAlive: async () => vault?.keepAlive(),

    async close() {
      await vault?.close();
      vault = undefined;
    },
  };
};
