import { z } from 'zod';
import { isHeaderName, isHopByHop } from '../header-names.ts';
import { block, listOf, member, oneOf } from './forms.ts';
import { Wrong } from './leaf.ts';
import { url } from './network.ts';
import { duration, size } from './numbers.ts';
import { secret } from './secret.ts';
import { choice, method, text, urlPath } from './texts.ts';

/** Headers of the message, which are written anew for each call. */
const framing = /^(?:host|content-length|expect|cdn-loop)$/i;

/** Unlike an identity header this may be `Authorization`: it carries our credential, not a caller's. */
export const credentialHeader = text({
  label: 'header',
  expected: 'a header name such as X-Custom-Auth-Token',
  placeholder: 'X-Placeholder',
  longest: 128,
  check: (written) => {
    if (!isHeaderName(written)) return new Wrong('not a header name');
    return isHopByHop(written) || framing.test(written)
      ? new Wrong('a header that cannot carry a credential')
      : written;
  },
});

const tokenUrl = url({ bare: false, expected: 'the URL of a token endpoint' });

const tokens = {
  scopes: listOf(text()).prefault([]).describe('Scopes asked for.'),
  refresh_before_expiry: duration({ least: 0 })
    .prefault('60s')
    .describe('How long before its end a token is renewed, at most half its life.'),
};

const client = {
  token_url: tokenUrl.describe('Token endpoint.'),
  client_id: secret.describe('Client id.'),
  client_auth: choice(['basic', 'post'])
    .prefault('basic')
    .describe('Whether id and secret go into a header or into the form.'),
};

const where = {
  only: block({
    path_prefix: urlPath.optional().describe('Path below which it may go, as the target sees it.'),
    methods: listOf(method, { least: 1 }).optional().describe('Methods it may go with. Every method by default.'),
  })
    .optional()
    .describe('Where the credential may go, closer than the `url` of the target: any other call is refused.'),
};

/** How a credential is put on a request. */
export const auth = oneOf('type', 'none', [
  member({ type: z.literal('none') }),
  member({ type: z.literal('bearer'), token: secret.describe('Sent as `Authorization: Bearer …`.'), ...where }),
  member({
    type: z.literal('basic'),
    username: secret.describe('User name.'),
    password: secret.describe('Password.'),
    ...where,
  }),
  member({
    type: z.literal('api_key'),
    header: credentialHeader.optional().describe('Header that carries the key. Exactly one of `header` and `query`.'),
    query: text().optional().describe('Query parameter that carries the key.'),
    key: secret.describe('The key, sent as it is.'),
    ...where,
  }),
  member({
    type: z.literal('oauth2_client_credentials'),
    ...client,
    client_secret: secret.describe(
      'Client secret. A private key in PEM makes this the JWT bearer grant, as Google wants it.',
    ),
    audience: text().optional().describe('Audience asked for.'),
    ...tokens,
    ...where,
  }),
  member({
    type: z.literal('oauth2_refresh_token'),
    ...client,
    client_secret: secret.optional().describe('Client secret, where the client has one.'),
    refresh_token: secret.describe('The long-lived token.'),
    ...tokens,
    ...where,
  }),
  member({
    type: z.literal('gcp_service_account'),
    credentials: secret
      .optional()
      .describe('The key file of the service account, as JSON. Or `client_email` and `private_key`.'),
    client_email: secret.optional().describe('The account.'),
    private_key: secret.optional().describe('Its private key, in PEM.'),
    token_url: tokenUrl.prefault('https://oauth2.googleapis.com/token').describe('Token endpoint.'),
    ...tokens,
    ...where,
  }),
  member({
    type: z.literal('aws_sigv4'),
    access_key_id: secret.describe('Access key id.'),
    secret_access_key: secret.describe('Secret access key.'),
    session_token: secret.optional().describe('Session token of temporary credentials.'),
    region: text().describe('Region, such as eu-central-1.'),
    service: text().describe('Service, such as s3.'),
    max_signed_body: size
      .prefault('8MiB')
      .describe(
        'Longest body that is read whole to be signed; a longer one gets 413. To S3 by https bodies are not signed.',
      ),
    ...where,
  }),
  member({ type: z.literal('mtls'), ...where }),
]);
