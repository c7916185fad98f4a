import { z } from 'zod';
import { certificateEntry } from './certificate.ts';
import { credentialHeader } from './credentials.ts';
import { block, listOf } from './forms.ts';
import { asymmetric } from './jwt.ts';
import { url } from './network.ts';
import { duration, size, toggle } from './numbers.ts';
import { identityHeader, injectClaims } from './rules.ts';
import { publicText } from './secret.ts';
import { choice, filePath, method, text, urlPath } from './texts.ts';

const route = block({
  path: text({
    label: 'path pattern',
    expected: 'a path pattern that begins with "/", such as /api/v1/orders/**',
    pattern: /\/[^?#\s]*/,
    placeholder: '/placeholder',
  }).describe('`/api/v1/orders/**` matches `/api/v1/orders` too.'),
  methods: listOf(method, { least: 1 }).optional().describe('Every method by default.'),
  upstream: url({ bare: true }).optional().describe('Where the request goes; by default `proxy.upstream`.'),
  auth_required: toggle.prefault(true).describe('When false, a credential that is present is still verified.'),
  strip_prefix: urlPath.optional().describe('Taken off the path.'),
  rewrite_prefix: urlPath.optional().describe('Put before the path then.'),
  timeout: duration({ most: 3_600_000 }).optional().describe('Instead of `proxy.timeout`.'),
  websocket: toggle.optional().describe('Instead of `proxy.websocket`.'),
  policy_query: text().optional().describe('Instead of `authz.policy_query`.'),
});

const upstreamTls = block({
  enabled: toggle.prefault(true).describe('Whether these settings apply.'),
  ca_cert: filePath.optional().describe('Certificate authority of the services, instead of the public ones. Watched.'),
  client_cert: filePath.optional().describe('Certificate shown to them, in PEM. Watched.'),
  client_key: filePath.optional().describe('Its private key, in PEM.'),
});

const headers = block({
  pass_token: toggle.prefault(false).describe('Whether the upstream gets the token too.'),
  inject_claims: injectClaims.prefault({}).describe('Claims that become headers.'),
  inject_user_id: identityHeader.optional().describe('Header that gets the id of the caller.'),
  extract: listOf(text())
    .prefault([])
    .describe('Request headers kept for policy and audit, spelt as here. None that carries a credential.'),
});

const audit = block({
  enabled: toggle.prefault(true).describe('Whether every request is told in a line.'),
  service: text({ longest: 128 }).optional().describe('What this service is called there; by default the host name.'),
  file: filePath
    .optional()
    .describe('Where the lines go, appended; by default standard output. Opened anew where it was moved away.'),
});

export const proxy = block({
  enabled: toggle.prefault(true).describe('Whether Sallyport stands in the path itself.'),
  mode: choice(['reverse_proxy']).prefault('reverse_proxy').describe('How.'),
  upstream: url({ bare: true })
    .prefault('http://127.0.0.1:3000')
    .describe('The service behind, where no route says otherwise.'),
  upstream_tls: upstreamTls
    .optional()
    .describe('TLS towards `upstream` and those of routes, but for targets of egress, which have their own.'),
  timeout: duration({ most: 3_600_000 }).prefault('60s').describe('How long the upstream may take to answer.'),
  websocket: toggle.prefault(false).describe('Whether a request may become a WebSocket.'),
  auth: block({
    enabled: toggle.prefault(true).describe('Whether tokens are verified.'),
    accept: listOf(choice(['jwt', 'api_key', 'certificate']), { least: 1 })
      .prefault(['jwt'])
      .describe(
        'Which credentials are accepted. `certificate`: who shows nothing else is known by the client certificate.',
      ),
    header: credentialHeader.prefault('Authorization').describe('Header that carries the token.'),
    scheme: text({ expected: 'an authentication scheme such as Bearer', pattern: /[A-Za-z0-9-]+/ })
      .prefault('Bearer')
      .describe('Word before the token.'),
  })
    .prefault({})
    .describe('The token of the caller.'),
  authz: block({
    enabled: toggle.prefault(true).describe('Whether the policy is asked.'),
    policy_query: text().optional().describe('What the policy is asked, such as `data.gateway.allow`.'),
  })
    .optional()
    .describe('The policy. Without this block none is asked.'),
  mtls: block({
    enabled: toggle.prefault(true).describe('Whether the client certificate is looked at.'),
    allowed_clients: listOf(certificateEntry, { least: 1 })
      .optional()
      .describe(
        'Subjects (`CN=api-gateway-client,O=MyOrg`, all of whose attributes must be the same), `uri:…`, `dns:…` or `sha256:…`, of which a client must be one. By default every client whose certificate is verified.',
      ),
  })
    .optional()
    .describe('Which client certificates may come in.'),
  routes: z
    .array(route)
    .prefault([])
    .describe('The most specific one wins. Without routes everything goes to `upstream`.'),
  headers: headers.prefault({}).describe('What the upstream is told.'),
  audit: audit.prefault({}).describe('One line of JSON for each request.'),
}).describe('Sallyport as a sidecar: it ends TLS, decides, and proxies.');

export const policy = block({
  engine: choice(['opa_embedded', 'opa_sidecar'])
    .prefault('opa_embedded')
    .describe('Rego inside this process, or a server.'),
  path: filePath
    .optional()
    .describe(
      'A directory of `.rego` and data files, a bundle, or a `.wasm` module. Without the block, where a rule or route asks a policy, `/etc/authz/policies`.',
    ),
  url: url({ bare: true }).optional().describe('The server of `opa_sidecar`.'),
  verification_key: publicText
    .optional()
    .describe('Public key of whoever signs the bundle: one that is not signed, or was changed, is refused.'),
  verification_algorithm: choice(asymmetric).prefault('RS256').describe('What the bundle is signed by.'),
  timeout: duration({ most: 60_000 })
    .prefault('50ms')
    .describe('How long one answer may take; then the request is denied.'),
  max_input_size: size.prefault('64KiB').describe('Most bytes of input for one question.'),
  expose_reasons: toggle.prefault(false).describe('Whether a denied caller sees the reasons.'),
}).describe('Rego policies.');
