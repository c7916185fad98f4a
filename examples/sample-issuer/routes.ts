import type { Claims, Issuer } from './issuer.ts';
import { algorithms } from './keys.ts';

export type Asked = Readonly<{
  method: string;
  url: string;
  contentType: string;
  authorization: string;
  body: string;
}>;
export type Answer = Readonly<{ status: number; body: string }>;

/** Claims that are lists, even where a form names them once. */
const lists = ['roles', 'groups', 'permissions'];

function claimsOfForm(body: string): Claims {
  const form = new URLSearchParams(body);
  return Object.fromEntries(
    [...new Set(form.keys())].map((name) => {
      const values = form.getAll(name);
      return [name, values.length > 1 || lists.includes(name) ? values : values[0]];
    }),
  );
}

function claimsOf({ contentType, body }: Asked): Claims {
  if (!contentType.startsWith('application/json')) return claimsOfForm(body);
  const claims: unknown = JSON.parse(body);
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) throw new SyntaxError('not an object');
  return { ...claims };
}

/** Every field is a claim, but for what OAuth clients send along, and `expires_in`, the lifetime in seconds. */
async function token(issuer: Issuer, asked: Asked): Promise<unknown> {
  const { grant_type, client_id, client_secret, expires_in, ...claims } = claimsOf(asked);
  const lifetimeS = Number(expires_in ?? 300);
  if (!Number.isInteger(lifetimeS)) throw new SyntaxError('expires_in is no number of seconds');
  const subject = claims['sub'] ?? client_id;
  const access = await issuer.issue({ ...claims, ...(subject !== undefined && { sub: subject }) }, { lifetimeS });
  return { access_token: access, token_type: 'Bearer', expires_in: lifetimeS };
}

const discovery = ({ url }: Issuer) => ({
  issuer: url,
  jwks_uri: `${url}/jwks`,
  token_endpoint: `${url}/token`,
  response_types_supported: ['token'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: algorithms,
});

const reply = (status: number, value: unknown): Answer => ({ status, body: JSON.stringify(value) });

/** The HTTP side of an issuer, without the sockets. It asks nobody for a password. */
export function createRoutes(issuer: Issuer): (asked: Asked) => Promise<Answer> {
  return async (asked) => {
    const [path] = asked.url.split('?');
    switch (`${asked.method} ${path}`) {
      case 'GET /jwks':
        return reply(200, issuer.jwks());
      case 'GET /.well-known/openid-configuration':
        return reply(200, discovery(issuer));
      case 'POST /token':
        try {
          return reply(200, await token(issuer, asked));
        } catch (error) {
          if (error instanceof SyntaxError) return reply(400, { error: 'invalid_request' });
          throw error;
        }
      default:
        return reply(404, { error: 'not_found' });
    }
  };
}
