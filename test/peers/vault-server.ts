/**
 * A server made from Vault's documentation (developer.hashicorp.com/vault/api-docs): the calls of token, AppRole and Kubernetes
 * logins and of the key-value engine version 2, with their statuses and bodies. It is not Vault itself.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Owner } from '../servers/last-resort.ts';
import { type Answer, type Asked, json, type Loopback, listen } from './loopback.ts';

export type VaultOptions = Readonly<{
  /** Seconds a token lives, and may at most be renewed to. */
  ttlS?: number;
  maxTtlS?: number;
  now?: () => number;
  /** Under which everything is; a request without it finds nothing. */
  namespace?: string;
  owner?: Owner;
}>;

export type VaultServer = Loopback &
  Readonly<{
    /** A token that somebody has made by hand. */
    createToken(how?: { ttlS?: number; renewable?: boolean }): string;
    roleId: string;
    secretId: string;
    /** The token of the service account that the Kubernetes login believes, of the role `sallyport`. */
    serviceAccountJwt: string;
    /** Writes a new version; undefined deletes the latest one. `path` as in `secret/data/x`. */
    put(path: string, data: Readonly<Record<string, unknown>> | undefined): void;
    /** Takes the policy for a path away, or gives it back. */
    deny(path: string, isDenied: boolean): void;
    seal(isSealed: boolean): void;
    /** Ends every token there is. */
    revokeAll(): void;
    /** How often `METHOD path` was asked, such as `GET secret/data/x`. */
    asked(what: string): number;
    tokens(): readonly string[];
  }>;

type Token = { endsAtMs: number; bornAtMs: number; renewable: boolean; periodMs: number };
type Version = {
  version: number;
  data: Readonly<Record<string, unknown>> | undefined;
  created: string;
  deleted: string;
};

const fault = (status: number, ...errors: string[]): Answer => json(status, { errors });

export const startVault = async (options: VaultOptions = {}): Promise<VaultServer> => {
  const { ttlS = 3_600, maxTtlS = 32 * 86_400, now = Date.now, namespace, owner } = options;
  const [roleId, secretId] = [randomUUID(), randomUUID()];
  const serviceAccountJwt = `eyJ.${randomBytes(24).toString('base64url')}.sig`;
  const tokens = new Map<string, Token>();
  const secrets = new Map<string, Version>();
  const denied = new Set<string>();
  const counts = new Map<string, number>();
  let isSealed = false;

  const make = (seconds: number, renewable: boolean): string => {
    const id = `hvs.${randomBytes(18).toString('base64url')}`;
    const periodMs = seconds * 1_000;
    tokens.set(id, { endsAtMs: now() + periodMs, bornAtMs: now(), renewable, periodMs });
    return id;
  };

  const wrap = (rest: Readonly<Record<string, unknown>>) => ({
    request_id: randomUUID(),
    lease_id: '',
    renewable: false,
    lease_duration: 0,
    data: null,
    wrap_info: null,
    warnings: null,
    auth: null,
    ...rest,
  });

  const authOf = (id: string, { endsAtMs, renewable }: Token) =>
    json(
      200,
      wrap({
        auth: {
          client_token: id,
          accessor: randomUUID(),
          policies: ['default', 'sallyport'],
          token_policies: ['default', 'sallyport'],
          metadata: {},
          lease_duration: Math.round((endsAtMs - now()) / 1_000),
          renewable,
          entity_id: randomUUID(),
          token_type: 'service',
          orphan: true,
        },
      }),
    );

  const logIn = (): Answer => {
    const id = make(ttlS, true);
    const token = tokens.get(id);
    return token ? authOf(id, token) : fault(500, 'internal error');
  };

  const read = (path: string): Answer => {
    const found = secrets.get(path);
    if (denied.has(path)) return fault(403, '1 error occurred:\n\t* permission denied\n\n');
    if (!found) return fault(404);
    const { version, data, created, deleted } = found;
    const metadata = {
      created_time: created,
      custom_metadata: null,
      deletion_time: deleted,
      destroyed: false,
      version,
    };
    return json(data ? 200 : 404, wrap({ data: { data: data ?? null, metadata } }));
  };

  const open: Readonly<Record<string, (body: Record<string, unknown>) => Answer>> = {
    'POST auth/approle/login': ({ role_id, secret_id }) =>
      role_id === roleId && secret_id === secretId ? logIn() : fault(400, 'invalid role or secret ID'),
    'POST auth/kubernetes/login': ({ role, jwt }) =>
      role === 'sallyport' && jwt === serviceAccountJwt ? logIn() : fault(403, 'permission denied'),
  };

  const withToken = (what: string, path: string, id: string, token: Token): Answer => {
    switch (what) {
      case 'GET auth/token/lookup-self': {
        const ttl = Math.round((token.endsAtMs - now()) / 1_000);
        return json(200, wrap({ data: { id, ttl, renewable: token.renewable, creation_ttl: token.periodMs / 1_000 } }));
      }
      case 'POST auth/token/renew-self':
        if (!token.renewable) return fault(400, 'lease is not renewable');
        token.endsAtMs = Math.min(now() + token.periodMs, token.bornAtMs + maxTtlS * 1_000);
        return authOf(id, token);
      case 'POST auth/token/revoke-self':
        tokens.delete(id);
        return { status: 204 };
      default:
        return what.startsWith('GET secret/data/') ? read(path) : fault(404, 'no handler for route');
    }
  };

  const respond = ({ method, url, header, body }: Asked): Answer => {
    const path = decodeURIComponent(url.replace(/^\/v1\//, ''));
    const what = `${method} ${path}`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
    if (isSealed) return fault(503, 'Vault is sealed');
    if (header('x-vault-request') !== 'true') return fault(412, "missing 'X-Vault-Request' header");
    if (header('x-vault-namespace') !== namespace) return fault(404);
    const opened = open[what]?.(body.length > 0 ? JSON.parse(body.toString()) : {});
    if (opened) return opened;
    const id = header('x-vault-token') ?? '';
    const token = tokens.get(id);
    if (!token || token.endsAtMs <= now()) return fault(403, 'permission denied');
    return withToken(what, path, id, token);
  };

  const server = await listen(respond, owner);

  return {
    ...server,
    roleId,
    secretId,
    serviceAccountJwt,
    createToken: (how = {}) => make(how.ttlS ?? ttlS, how.renewable ?? true),

    put(path, data) {
      const before = secrets.get(path);
      const at = new Date(now()).toISOString();
      const version = data ? (before?.version ?? 0) + 1 : (before?.version ?? 1);
      secrets.set(path, { version, data, created: at, deleted: data ? '' : at });
    },

    deny(path, isDenied) {
      if (isDenied) denied.add(path);
      else denied.delete(path);
    },

    seal(sealed) {
      isSealed = sealed;
    },

    revokeAll: () => tokens.clear(),
    asked: (what) => counts.get(what) ?? 0,
    tokens: () => [...tokens.keys()],
  };
};
