import { z } from 'zod';
import { certificateEntry } from './certificate.ts';
import { auth } from './credentials.ts';
import { block, listOf, withShort } from './forms.ts';
import { listenerTls } from './http.ts';
import { address, network, url } from './network.ts';
import { duration, fraction, integer, size, toggle } from './numbers.ts';
import { limits } from './rules.ts';
import { secret } from './secret.ts';
import { redis } from './stores.ts';
import { choice, filePath, hostPattern, method, name, text, urlPath } from './texts.ts';

const tokenStore = block({
  type: choice(['memory', 'redis']).prefault('memory').describe('Where fetched tokens are kept.'),
  redis: redis.optional().describe('The Redis of `type: redis`; by default the one of the `redis` block.'),
  encryption_key: secret
    .optional()
    .describe(
      'Seals tokens in Redis: at least 32 random bytes in base64 or hex. Without it each is sealed with the secret of its credential, if that is long enough.',
    ),
});

const tries = {
  timeout: duration({ most: 3_600_000 }).optional(),
  retry_count: integer({ least: 0, most: 10 }).optional(),
  retry_delay: duration({ least: 0, most: 60_000 }).optional(),
};

const defaults = block({
  timeout: tries.timeout
    .prefault('30s')
    .describe(
      'Deadline of a call until its answer begins, with all its tries. Where a body streams, the longest pause of it.',
    ),
  retry_count: tries.retry_count.prefault(3).describe('Further tries of a call that may be repeated.'),
  retry_delay: tries.retry_delay.prefault('500ms').describe('Longest wait before the first further try.'),
});

const breaker = block({
  enabled: toggle.prefault(true).describe('Whether it ever stops calls.'),
  failures: integer({ most: 10_000 })
    .prefault(10)
    .describe('So many in a row stop all calls, or so many within 10s where they are half of all.'),
  open_for: duration({ most: 600_000 }).prefault('10s').describe('How long none is let through. Then one tries.'),
});

const targetTls = block({
  enabled: toggle.prefault(true).describe('Whether these settings apply.'),
  client_cert: filePath.optional().describe('Certificate shown to the target, in PEM.'),
  client_key: filePath.optional().describe('Its private key, in PEM.'),
  ca_cert: filePath.optional().describe('Certificate authority of the target, instead of the public ones.'),
  server_name: hostPattern.optional().describe('Name asked for and verified; by default the host of `url`.'),
});

const caller = block({
  certificate: certificateEntry
    .optional()
    .describe('Subject of the client certificate, `uri:…`, `dns:…` or `sha256:…`.'),
  issuer: name.optional().describe('Issuer of a JWT.'),
  subject: text().optional().describe('`sub` of that JWT.'),
  source: network.optional().describe('Source address or range.'),
  api_key: text().optional().describe('Id of an API key.'),
});

const callers = withShort(
  { label: 'list', json: { type: 'array' }, is: Array.isArray, expand: (raw) => ({ allow: raw }) },
  block({
    mode: choice(['enforce', 'report']).prefault('enforce').describe('`report` only logs who would be refused.'),
    allow: z.array(caller).describe('Who may call; everything an entry names must hold.'),
  }),
);

const target = block({
  url: url({ bare: true }).describe('Base URL of the service. Calls never leave its origin and path.'),
  auth: auth.optional().describe('The credential; see below. Default: none.'),
  credentials: z.array(auth).prefault([]).describe('Several credentials at once, instead of `auth`.'),
  tls: targetTls.optional().describe('TLS towards the target.'),
  allow_private: toggle
    .optional()
    .describe(
      'Whether the target and its token endpoint may have a private address. By default only where the host of `url` is a name of the cluster (`….svc`, `….svc.cluster.local`).',
    ),
  callers: callers.optional().describe('Who may use this target. Everybody who reaches the listener by default.'),
  limits: limits.optional().describe('Most calls of one caller.'),
  audit_path: choice(['full', 'prefix'])
    .optional()
    .describe(
      'What the log shows of paths: all, or the prefix of the route. By default all, but not of a target without a credential, whose secret may be in its path.',
    ),
  timeout: tries.timeout.describe('Instead of `defaults.timeout`.'),
  retry_count: tries.retry_count.describe('Instead of `defaults.retry_count`.'),
  retry_delay: tries.retry_delay.describe('Instead of `defaults.retry_delay`.'),
  retry_methods: listOf(method)
    .prefault(['GET', 'HEAD', 'OPTIONS'])
    .describe('Methods that may be repeated. POST and PATCH are repeated only with an Idempotency-Key besides.'),
  retry_body_size: size
    .prefault('256KiB')
    .describe('Largest body that is held to be repeated. What is larger streams, and is sent once.'),
  retry_budget: fraction.prefault(0.2).describe('Most retries, as a share of the calls.'),
  breaker: breaker.prefault({}).describe('Stops calls to a target that does not answer.'),
  max_concurrent: integer({ most: 100_000 }).prefault(1000).describe('Most calls under way at once.'),
  max_waiting: integer({ least: 0, most: 100_000 })
    .prefault(10_000)
    .describe('Most calls that wait, within their deadline, where that many are under way.'),
  http2: toggle
    .prefault(false)
    .describe('Whether HTTP/2 is spoken where the target offers it, by TLS. WebSockets and others go by HTTP/1.1.'),
});

const route = block({
  path_prefix: urlPath
    .optional()
    .describe('Path the route is for, on a segment boundary. Exactly one of `path_prefix` and `host`.'),
  host: hostPattern.optional().describe('Host the route is for, when a mesh sends traffic here.'),
  target: name.describe('Name of the target.'),
  methods: listOf(method, { least: 1 }).optional().describe('Every method by default.'),
  strip_prefix: urlPath.optional().describe('Taken off the path.'),
  rewrite_prefix: urlPath.optional().describe('Put before the path then.'),
  timeout: tries.timeout.describe('Instead of the timeout of the target.'),
  escaped_slashes: toggle
    .prefault(false)
    .describe('Whether `%2F` may stand inside a segment of the path, as in names of objects. Otherwise it is refused.'),
  websocket: toggle.prefault(false).describe('Whether a call may become a WebSocket.'),
  policy_query: text().optional().describe('Policy query that must allow the call, such as `data.payments.allow`.'),
});

export const egress = block({
  enabled: toggle.prefault(true).describe('Whether calls go out.'),
  addr: address
    .optional()
    .describe(
      'A listener of its own. By default `http.addr` serves the routes, or `127.0.0.1:8080` where `proxy` does ingress.',
    ),
  tls: listenerTls.optional().describe('TLS on the listener of `addr`.'),
  forwarded_certificates: toggle
    .prefault(false)
    .describe(
      'Whether `X-Forwarded-Client-Cert` of `trusted_proxies` tells who calls, as in a mesh. They must not pass on what their own callers send by that name.',
    ),
  token_store: tokenStore.prefault({}).describe('Cache of fetched tokens.'),
  defaults: defaults.prefault({}).describe('For targets that say nothing else.'),
  targets: z.record(name, target).prefault({}).describe('External services, by name.'),
  routes: z.array(route).prefault([]).describe('Which path or host leads to which target. The longest prefix wins.'),
}).describe('Calls to external services, with credentials that callers never see.');
