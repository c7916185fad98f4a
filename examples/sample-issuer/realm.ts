/** A realm of Keycloak, as its import files describe it, with as much of its token endpoint as services and tests ask. */
import { randomUUID } from 'node:crypto';
import type { Claims, Issuer } from './issuer.ts';

type Mapper = Readonly<{ protocolMapper: string; config: Readonly<Record<string, string>> }>;

type Client = Readonly<{
  clientId: string;
  publicClient?: boolean;
  directAccessGrantsEnabled?: boolean;
  serviceAccountsEnabled?: boolean;
  secret?: string;
  protocolMappers?: readonly Mapper[];
  optionalClientScopes?: readonly string[];
}>;

type User = Readonly<{
  id: string;
  username: string;
  email?: string;
  credentials: readonly Readonly<{ type: string; value: string }>[];
  realmRoles: readonly string[];
}>;

/** The part of an import file that counts here. */
export type RealmFile = Readonly<{
  realm: string;
  /** Seconds. */
  accessTokenLifespan?: number;
  clientScopes?: readonly Readonly<{ name: string; protocolMappers?: readonly Mapper[] }>[];
  clients: readonly Client[];
  users?: readonly User[];
}>;

export type Granted = Readonly<{ status: number; body: Readonly<Record<string, unknown>> }>;

const refused = (status: number, error: string): Granted => ({ status, body: { error } });

/** `aud` is one text where there is one audience, as Keycloak writes it. */
const audienceOf = (mappers: readonly Mapper[]): Claims => {
  const all = mappers
    .filter(({ protocolMapper }) => protocolMapper === 'oidc-audience-mapper')
    .flatMap(({ config }) => config['included.custom.audience'] ?? []);
  const [first, ...others] = new Set(all);
  return first === undefined ? {} : { aud: others.length > 0 ? [first, ...others] : first };
};

const claimsOfUser = ({ id, username, email, realmRoles }: User): Claims => ({
  sub: id,
  preferred_username: username,
  ...(email !== undefined && { email }),
  realm_access: { roles: realmRoles },
});

const isClient = (value: Client | Granted): value is Client => 'clientId' in value;

/** The secret of a client comes in the form, or as RFC 6749, 2.3.1 has it. */
const authenticate = (realm: RealmFile, form: URLSearchParams, basic: string): Client | Granted => {
  const [basicId, basicSecret] = basic.split(':').map(decodeURIComponent);
  const id = form.get('client_id') ?? basicId;
  const client = realm.clients.find(({ clientId }) => clientId === id);
  if (!client) return refused(401, 'invalid_client');
  const isRight = client.publicClient === true || (form.get('client_secret') ?? basicSecret) === client.secret;
  return isRight ? client : refused(401, 'unauthorized_client');
};

/** Whose token the grant is for; without `aud`, `azp` and the rest, which are the client's. */
const subjectOf = (realm: RealmFile, client: Client, form: URLSearchParams): Claims | Granted => {
  switch (form.get('grant_type')) {
    case 'password': {
      if (client.directAccessGrantsEnabled !== true) return refused(400, 'unauthorized_client');
      const user = realm.users?.find(({ username }) => username === form.get('username'));
      const isRight = user?.credentials.some(
        ({ type, value }) => type === 'password' && value === form.get('password'),
      );
      return user && isRight ? claimsOfUser(user) : refused(400, 'invalid_grant');
    }
    case 'client_credentials':
      if (client.serviceAccountsEnabled !== true) return refused(401, 'unauthorized_client');
      return { sub: randomUUID(), preferred_username: `service-account-${client.clientId}` };
    default:
      return refused(400, 'unsupported_grant_type');
  }
};

const isRefused = (value: Claims | Granted): value is Granted => 'status' in value;

/** The answer of the token endpoint to this form: grants `password` and `client_credentials`. */
export const grant = async (
  realm: RealmFile,
  issuer: Issuer,
  form: URLSearchParams,
  basic: string,
): Promise<Granted> => {
  const client = authenticate(realm, form, basic);
  if (!isClient(client)) return client;
  const scopes = (form.get('scope') ?? '').split(' ').filter(Boolean);
  if (scopes.some((scope) => !client.optionalClientScopes?.includes(scope))) return refused(400, 'invalid_scope');
  const subject = subjectOf(realm, client, form);
  if (isRefused(subject)) return subject;
  const asked = (realm.clientScopes ?? []).filter(({ name }) => scopes.includes(name));
  const mappers = [...(client.protocolMappers ?? []), ...asked.flatMap(({ protocolMappers = [] }) => protocolMappers)];
  const lifetimeS = realm.accessTokenLifespan ?? 300;
  const claims = { azp: client.clientId, scope: scopes.join(' '), ...audienceOf(mappers), ...subject };
  const token = await issuer.issue(claims, { lifetimeS });
  return { status: 200, body: { access_token: token, token_type: 'Bearer', expires_in: lifetimeS } };
};
