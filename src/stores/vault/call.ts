/** One call of Vault's HTTP API. What Vault says in its own words is told to nobody: only its status is. */
import type { Secret } from '../../core/secret.ts';
import type { Outbound } from '../outbound/exchange.ts';

/** Vault cannot be asked, or gives no answer that can be used. The message names no secret. */
export class VaultFault extends Error {
  override readonly name = 'VaultFault';
}

export type VaultAnswer = Readonly<{ status: number; body: unknown }>;

export type VaultCall = (
  method: 'GET' | 'POST',
  /** Below `/v1/`. */
  path: string,
  sent?: Readonly<{ token?: Secret; body?: Readonly<Record<string, string>> }>,
) => Promise<VaultAnswer>;

export type VaultCallOptions = Readonly<{
  address: string;
  namespace: string | undefined;
  timeoutMs: number;
  outbound: Outbound;
}>;

const MAX_BYTES = 1024 * 1024;

const parse = (body: string): unknown => {
  if (body === '') return undefined;
  try {
    return JSON.parse(body);
  } catch {
    throw new VaultFault('Vault answers what is no JSON');
  }
};

const urlOf = (address: string, path: string): URL =>
  new URL(`/v1/${path.split('/').map(encodeURIComponent).join('/')}`, address);

/** Statuses below 500 are answers, but redirects: they would take the token elsewhere. */
const faultOf = (status: number): string | undefined => {
  if (status === 503) return 'Vault is sealed or under maintenance (503)';
  if (status >= 500 || status === 472 || status === 473) return `Vault answers ${status}`;
  if (status < 300 || status >= 400) return undefined;
  return `Vault redirects (${status}), which is not followed: name the active node, or what balances before it`;
};

/** Throws `VaultFault`. */
export const createVaultCall = ({ address, namespace, timeoutMs, outbound }: VaultCallOptions): VaultCall => {
  const ask = async (...[method, path, { token, body } = {}]: Parameters<VaultCall>) => {
    try {
      return await outbound.exchange({
        url: urlOf(address, path),
        method,
        timeoutMs,
        maxBytes: MAX_BYTES,
        headers: {
          'x-vault-request': 'true',
          ...(namespace !== undefined && { 'x-vault-namespace': namespace }),
          ...(token && { 'x-vault-token': token.reveal() }),
        },
        ...(body && { body: JSON.stringify(body) }),
      });
    } catch (error) {
      throw new VaultFault(`Vault does not answer: ${error instanceof Error ? error.message : String(error)}`);
    }
  };

  return async (...asked) => {
    const { status, body } = await ask(...asked);
    const fault = faultOf(status);
    if (fault !== undefined) throw new VaultFault(fault);
    return { status, body: parse(body) };
  };
};
