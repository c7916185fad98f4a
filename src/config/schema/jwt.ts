import { z } from 'zod';
import { block, isMapping, listOf, withShort } from './forms.ts';
import { url } from './network.ts';
import { chosen, duration } from './numbers.ts';
import { publicText, secret } from './secret.ts';
import { choice, name, text } from './texts.ts';

export const asymmetric = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;
const symmetric = ['HS256', 'HS384', 'HS512'] as const;

export type Algorithm = (typeof asymmetric)[number] | (typeof symmetric)[number];

export const isSymmetric = (algorithm: Algorithm): boolean => symmetric.some((known) => known === algorithm);

const issuer = block({
  name: name.describe('How rules call this issuer (`require.issuer`).'),
  issuer: text().describe('The `iss` claim, exactly as the tokens have it.'),
  audience: listOf(text(), { least: 1 }).describe('Accepted `aud` claims. A token for anybody else is refused.'),
  jwks_url: url()
    .optional()
    .describe('Where the key set is. Exactly one of `jwks_url`, `discovery`, `public_key`, `secret`.'),
  discovery: chosen.optional().describe('Ask `issuer` + `/.well-known/openid-configuration` for the key set.'),
  public_key: publicText.optional().describe('The one key, in PEM or as `file:PATH`.'),
  secret: secret.optional().describe('Shared secret for HS256, HS384, HS512; at least 32 bytes.'),
  algorithms: listOf(choice([...asymmetric, ...symmetric]), { least: 1 })
    .optional()
    .describe(
      'Accepted signature algorithms. By default HS256 with `secret`, and every RS, PS, ES and EdDSA otherwise.',
    ),
  jwks_refresh_interval: duration({ least: 1000 }).prefault('1h').describe('How often the key set is fetched anew.'),
  clock_skew: duration({ least: 0, most: 300_000 })
    .prefault('30s')
    .describe('Tolerance for `exp`, `nbf` and `iat`, up to 5m.'),
  required_claims: listOf(text()).prefault([]).describe('Claims a token must have, besides `exp`, `iss` and `aud`.'),
  roles_claim: text()
    .prefault('realm_access.roles')
    .describe('Where `require.roles` looks; dots lead into nested claims.'),
  typ: text().optional().describe('The `typ` header a token must have, such as `at+jwt`.'),
}).transform((settings) => ({
  ...settings,
  algorithms: settings.algorithms ?? (settings.secret ? (['HS256'] as Algorithm[]) : [...asymmetric]),
}));

/** The form with one issuer: its keys stand directly under `jwt`. */
const isSingle = (raw: unknown): boolean =>
  isMapping(raw) && !Object.hasOwn(raw, 'issuers') && Object.keys(raw).length > 0;

export const jwt = withShort(
  {
    label: 'the keys of one issuer',
    json: { type: 'object', required: ['issuer', 'audience'] },
    is: isSingle,
    expand: (raw) => ({ issuers: [{ name: 'default', ...Object(raw) }] }),
  },
  block({ issuers: z.array(issuer).prefault([]).describe('Who may issue tokens.') }),
).describe(
  'Whose JSON Web Tokens are accepted. With one issuer its keys may stand directly here; it is then called `default`.',
);
