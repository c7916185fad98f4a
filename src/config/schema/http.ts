import { block, listOf, withShort } from './forms.ts';
import { address } from './network.ts';
import { duration, fraction, integer, size, toggle } from './numbers.ts';
import { secret } from './secret.ts';
import { choice, filePath, hostPattern, urlPath } from './texts.ts';

/** TLS of a listener of ours. */
export const listenerTls = block({
  enabled: toggle.prefault(true).describe('Whether the listener speaks TLS.'),
  cert_file: filePath.optional().describe('Certificate chain of the listener, in PEM. Watched for changes.'),
  key_file: filePath.optional().describe('Private key of the certificate, in PEM.'),
  client_ca_file: listOf(filePath)
    .prefault([])
    .describe('Certificate authorities that client certificates must come from.'),
  client_auth: choice(['none', 'request', 'require'])
    .prefault('none')
    .describe('Whether a client certificate is ignored, asked for, or demanded.'),
  min_version: choice(['1.2', '1.3']).prefault('1.2').describe('Oldest TLS version accepted.'),
  http2: toggle.prefault(false).describe('Whether clients may speak HTTP/2, which they agree on by ALPN.'),
  crl_file: listOf(filePath)
    .prefault([])
    .describe(
      'Revoked client certificates, in PEM: a list of every authority of a chain. Who is on none is refused, too, once a list has run out.',
    ),
});

export const http = block({
  addr: address
    .prefault(':8080')
    .describe(
      'Where proxies ask and clients pay: `/auth…`, `/.sallyport/…`, `endpoints`. With `proxy`, where its requests come in, and nothing else.',
    ),
  read_timeout: duration().prefault('60s').describe('How long a request may take to arrive.'),
  write_timeout: duration().prefault('60s').describe('How long an answer may take to leave.'),
  max_header_size: size.prefault('64KiB').describe('Most bytes of request headers; more are refused with 431.'),
  max_connections: integer({ most: 1_000_000 })
    .prefault(10_000)
    .describe(
      'Most connections at once, of this and of every other listener, in each worker; more are ended at once, and counted in `sallyport_connections_dropped_total`.',
    ),
  tls: listenerTls.optional().describe('TLS on this listener.'),
}).describe('The listener that proxies ask.');

const certificateFormats = ['nginx', 'nginx_subject', 'envoy', 'traefik', 'rfc9440'] as const;

export const forwardedCertificates = withShort(
  {
    label: certificateFormats.join(' | '),
    json: { enum: [...certificateFormats] },
    expand: (raw) => ({ format: raw }),
  },
  block({
    format: choice(certificateFormats).describe(
      '`nginx`: `ssl-client-verify` and `ssl-client-cert`; `nginx_subject`: `ssl-client-verify` and `ssl-client-subject-dn`; `envoy`: `X-Forwarded-Client-Cert`; `traefik`: `X-Forwarded-Tls-Client-Cert`; `rfc9440`: `Client-Cert`.',
    ),
    hosts: listOf(hostPattern, { least: 1 })
      .optional()
      .describe(
        'Hosts on which the proxy verifies certificates; of any other nothing is believed. Every host by default, but for the forms of nginx, which need it: ingress-nginx lets the headers of clients through on hosts where it asks for no certificate.',
      ),
  }),
).describe(
  'In which headers `trusted_proxies` tell of the certificate of their client. Without this block such headers are ignored. The proxy must replace what clients send by these names: docs/certificates.md.',
);

export const admin = block({
  addr: address.prefault('127.0.0.1:8081').describe('Where the admin API listens: `/api/…`, `/admin/…`.'),
  token: secret.optional().describe('Bearer token the admin API demands, at least 16 characters.'),
  usage_token: secret
    .optional()
    .describe('Bearer token that opens the reports of units alone (`POST /api/usage/units`), for applications.'),
}).describe('The admin API. Without this block it has no listener.');

export const endpoints = block({
  egress: urlPath.prefault('/ext').describe('Prefix of egress routes.'),
  health: urlPath.prefault('/health').describe('Liveness: answers as long as the process runs.'),
  ready: urlPath.prefault('/ready').describe('Readiness: answers 503 while the service cannot decide.'),
  metrics: urlPath.prefault('/metrics').describe('Prometheus metrics.'),
  addr: address
    .optional()
    .describe(
      'A listener of its own for `health`, `ready` and `metrics`, without TLS. By default `http.addr` serves them, or `127.0.0.1:9090` where `http.tls.client_auth` asks for certificates, or `proxy` is enabled.',
    ),
}).describe('Paths that are not decisions.');

export const logger = block({
  level: choice(['trace', 'debug', 'info', 'warn', 'error', 'fatal'])
    .prefault('info')
    .describe('Least severity that is logged.'),
  format: choice(['json', 'text', 'auto'])
    .prefault('auto')
    .describe('`auto` writes text to a terminal and JSON elsewhere.'),
  sample_allows: fraction.prefault(0.01).describe('Share of allowed requests that get a line. Denials always do.'),
}).describe('Log lines on standard output.');
