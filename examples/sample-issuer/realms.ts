/**
 * Realms at Keycloak's paths, each with keys of its own, so that what is configured for Keycloak can be tried without it:
 * `/realms/NAME/protocol/openid-connect/token` and `…/certs`.
 */
import { createIssuer, type Issuer } from './issuer.ts';
import { grant, type RealmFile } from './realm.ts';
import type { Answer, Asked } from './routes.ts';
import { type Serving, serve } from './server.ts';

export type RealmServer = Serving & Readonly<{ issuerOf(realm: string): Issuer }>;

type Realm = Readonly<{ file: RealmFile; issuer: Issuer }>;

const path = /^\/realms\/([\w-]+)(?:\/(.*))?$/;

const discoveryOf = ({ url }: Issuer) => ({
  issuer: url,
  jwks_uri: `${url}/protocol/openid-connect/certs`,
  token_endpoint: `${url}/protocol/openid-connect/token`,
  grant_types_supported: ['password', 'client_credentials'],
});

const basicOf = (authorization: string): string => {
  const [, encoded = ''] = /^Basic +(\S+)$/i.exec(authorization) ?? [];
  return Buffer.from(encoded, 'base64').toString();
};

const reply = (status: number, value: unknown): Answer => ({ status, body: JSON.stringify(value) });

const createRealmRoutes =
  (realms: ReadonlyMap<string, Realm>) =>
  async ({ method, url, authorization, body }: Asked): Promise<Answer> => {
    const [, name = '', place = ''] = path.exec(url.split('?')[0] ?? '') ?? [];
    const realm = realms.get(name);
    if (!realm) return reply(404, { error: 'Realm does not exist' });
    switch (`${method} ${place}`) {
      case 'GET ':
        return reply(200, { realm: name, 'token-service': `${realm.issuer.url}/protocol/openid-connect` });
      case 'GET protocol/openid-connect/certs':
        return reply(200, realm.issuer.jwks());
      case 'GET .well-known/openid-configuration':
        return reply(200, discoveryOf(realm.issuer));
      case 'POST protocol/openid-connect/token': {
        const granted = await grant(realm.file, realm.issuer, new URLSearchParams(body), basicOf(authorization));
        return reply(granted.status, granted.body);
      }
      default:
        return reply(404, { error: 'not_found' });
    }
  };

/** Serves these realms. Port 0 is any free one. */
export const startRealms = async (files: readonly RealmFile[], port = 0): Promise<RealmServer> => {
  const realms = new Map<string, Realm>();
  const serving = await serve(port, async (url) => {
    for (const file of files)
      realms.set(file.realm, { file, issuer: await createIssuer(`${url}/realms/${file.realm}`) });
    return createRealmRoutes(realms);
  });
  return {
    ...serving,
    issuerOf(name) {
      const realm = realms.get(name);
      if (!realm) throw new Error(`There is no realm ${name}`);
      return realm.issuer;
    },
  };
};
