import { z } from 'zod';
import { credentialHeader } from './credentials.ts';
import { block, listOf } from './forms.ts';
import { listenerTls } from './http.ts';
import { address, url } from './network.ts';
import { duration, toggle } from './numbers.ts';
import { secret } from './secret.ts';
import { choice, hostPattern, method, name, text, urlPath } from './texts.ts';

const integration = block({
  name: name.describe(
    'Which entry of `credentials` it uses. `anthropic` or `coralogix` takes the place of the one that is built in.',
  ),
  hosts: listOf(hostPattern)
    .optional()
    .describe('Hosts it is for: exact, or `*.example.com` for every name below. By default `sidecar_hosts`.'),
  paths: listOf(urlPath).prefault([]).describe('Path patterns it is for, such as `/v1/**`. Every path by default.'),
  methods: listOf(method, { least: 1 }).optional().describe('Methods it is for. Every method by default.'),
  headers: z
    .record(credentialHeader, text())
    .describe(
      'Headers to add; `{{key}}` is a value of the credential, `{{basic user password}}` two of them (RFC 7617).',
    ),
  domain_from: name
    .optional()
    .describe(
      'Which value of the credential names the domain it is for: it goes to this host and those below, to no other of `hosts`.',
    ),
});

export const resolver = block({
  enabled: toggle.prefault(true).describe('Whether Envoy is told which credentials to add.'),
  addr: address
    .optional()
    .describe(
      'A listener of its own, where every path is the path asked for; by default `http.addr` under `path_prefix`.',
    ),
  tls: listenerTls.optional().describe('TLS on the listener of `addr`: its answers are the credentials.'),
  path_prefix: urlPath
    .prefault('/resolve')
    .describe('What Envoy puts before the original path on `http.addr`. It counts for nothing on `addr`.'),
  source: choice(['environment', 'config_service'])
    .prefault('environment')
    .describe('Where credentials come from: `credentials`, the same for every tenant, or the `config_service`.'),
  mode: choice(['strict', 'permissive'])
    .prefault('strict')
    .describe(
      '`permissive` lets a missing token pass, with `credentials`, for development; an invalid one never. Whoever reaches the listener then has these credentials.',
    ),
  unmapped: choice(['deny', 'pass']).prefault('deny').describe('What happens to a request no integration is for.'),
  header: credentialHeader.prefault('x-sandbox-jwt').describe('Header that carries the token of the sandbox.'),
  secret: secret.optional().describe('Shared secret of those tokens (HS256), at least 32 bytes.'),
  jwks_url: url().optional().describe('Key set of those tokens (RS, PS, ES, EdDSA), instead of `secret`.'),
  issuer: text().prefault('sallyport').describe('`iss` they must have.'),
  audience: listOf(text(), { least: 1 })
    .prefault(['credential-resolver'])
    .describe('`aud` they must have, one of these.'),
  claims: block({
    tenant: text().prefault('tenant_id').describe('Claim that names the tenant.'),
    team: text().prefault('team_id').describe('Claim that names the team.'),
    sandbox: text().prefault('sandbox_id').describe('Claim that names the sandbox.'),
  })
    .prefault({})
    .describe('Which claims say who asks. A token must have all three.'),
  sidecar_hosts: listOf(hostPattern)
    .prefault(['localhost', '127.0.0.1', '[::1]'])
    .describe(
      'Names by which sandboxes call an Envoy that knows by its routes where a request goes. Make it `[]` where Envoy goes by the host that the sandbox names.',
    ),
  config_service: block({
    url: url().describe(
      'Asked with GET for the credentials of a tenant and team: in the places of `{tenant}` and `{team}`, or else as query parameters.',
    ),
    token: secret.optional().describe('Bearer token for it.'),
    timeout: duration({ most: 60_000 }).prefault('2s').describe('How long it may take.'),
    cache_ttl: duration({ least: 0 }).prefault('60s').describe('How long an answer is kept.'),
    stale_for: duration({ least: 0 })
      .prefault('5m')
      .describe('How much longer an answer may be used while the service fails.'),
  })
    .optional()
    .describe('The service of `source: config_service`.'),
  integrations: z.array(integration).prefault([]).describe('Besides the built-in ones, `anthropic` and `coralogix`.'),
  credentials: z
    .record(name, z.record(name, secret))
    .prefault({})
    .describe('Values by integration, such as `anthropic: { api_key: … }`.'),
  audit: choice(['all', 'sampled'])
    .prefault('all')
    .describe(
      'Whether every use of a credential is a line in the log, or `logger.sample_allows` of them. Refusals always are.',
    ),
}).describe('Credentials for untrusted workloads, added by Envoy.');
