/** Ways to a token of Vault: one that is given, AppRole, or the service account of a pod. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { Secret } from '../../core/secret.ts';
import { type VaultAnswer, type VaultCall, VaultFault } from './call.ts';

export type VaultAuth = Readonly<
  | { method: 'token'; token: Secret }
  | { method: 'app_role'; mount: string; roleId: Secret; secretId: Secret | undefined }
  | { method: 'kubernetes'; mount: string; role: string; jwtFile: string }
>;

export type VaultToken = Readonly<{
  value: Secret;
  /** 0: it never ends. */
  leaseMs: number;
  isRenewable: boolean;
}>;

const given = z.object({
  auth: z.object({ client_token: z.string().min(1), lease_duration: z.number().nonnegative(), renewable: z.boolean() }),
});

const looked = z.object({ data: z.object({ ttl: z.number().nonnegative(), renewable: z.boolean().default(false) }) });

/** What a login and a renewal answer. */
export const tokenOf = ({ body }: VaultAnswer): VaultToken => {
  const read = given.safeParse(body);
  if (!read.success) throw new VaultFault('Vault answers a login with what is no token');
  const { client_token, lease_duration, renewable } = read.data.auth;
  return { value: new Secret(client_token), leaseMs: lease_duration * 1_000, isRenewable: renewable };
};

const readJwt = (file: string): string => {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : 'unknown reason';
    throw new VaultFault(`the token of the service account cannot be read: ${file} (${code})`);
  }
};

const logIn = async (call: VaultCall, mount: string, body: Readonly<Record<string, string>>): Promise<VaultToken> => {
  const answer = await call('POST', `auth/${mount}/login`, { body });
  if (answer.status !== 200) throw new VaultFault(`Vault refuses the login at auth/${mount} (${answer.status})`);
  return tokenOf(answer);
};

/** What is known of a token that somebody else has made. */
const lookUp = async (call: VaultCall, token: Secret): Promise<VaultToken> => {
  const answer = await call('GET', 'auth/token/lookup-self', { token });
  if (answer.status !== 200) throw new VaultFault(`Vault refuses the token of vault.auth.token (${answer.status})`);
  const read = looked.safeParse(answer.body);
  if (!read.success) throw new VaultFault('Vault does not say how long the token of vault.auth.token lives');
  const { ttl, renewable } = read.data.data;
  return { value: token, leaseMs: ttl * 1_000, isRenewable: renewable };
};

/** Throws `VaultFault`. */
export const createLogin = (call: VaultCall, auth: VaultAuth) => (): Promise<VaultToken> => {
  switch (auth.method) {
    case 'token':
      return lookUp(call, auth.token);
    case 'app_role': {
      const { roleId, secretId, mount } = auth;
      return logIn(call, mount, { role_id: roleId.reveal(), ...(secretId && { secret_id: secretId.reveal() }) });
    }
    case 'kubernetes':
      return Promise.resolve().then(() => logIn(call, auth.mount, { role: auth.role, jwt: readJwt(auth.jwtFile) }));
  }
};
