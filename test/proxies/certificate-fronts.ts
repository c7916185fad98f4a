/** The examples once more, by a proxy that ends TLS, verifies certificates of clients, and tells Sallyport: docs/certificates.md. */
import { readFileSync } from 'node:fs';
import type { Ports } from '../servers/addresses.ts';
import { startCaddy } from '../servers/caddy.ts';
import type { Pair } from '../servers/certificates.ts';
import { startEnvoy } from '../servers/envoy.ts';
import { freePort } from '../servers/free-port.ts';
import { startHaproxy } from '../servers/haproxy.ts';
import type { Owner } from '../servers/last-resort.ts';
import { startNginx } from '../servers/nginx.ts';
import { needs } from '../servers/programs.ts';
import { example, type Front, ingressNginx } from './line-up.ts';
import { launchTraefik, needsTraefik } from './traefik.ts';

/** Files in PEM: what the proxy shows, and whom it believes. */
export type Tls = Readonly<{ own: Pair; ca: string }>;

export type CertificateFront = Readonly<{
  name: string;
  /** The `forwarded_certificates` of Sallyport behind it; `none` where Envoy tells without a header. */
  format: 'nginx' | 'nginx_subject' | 'envoy' | 'traefik' | 'rfc9440' | 'none';
  skip: string | false;
  start(tls: Tls, ports: Ports, owner: Owner): Promise<Front>;
}>;

/** Every text must be there: an example that changes must not turn a test into one of nothing. */
const replaced = (text: string, ...pairs: readonly (readonly [from: string, to: string])[]): string =>
  pairs.reduce((sofar, [from, to]) => {
    if (!sofar.includes(from)) throw new Error(`the example has no "${from}"`);
    return sofar.replaceAll(from, to);
  }, text);

const nginxTls = ({ own, ca }: Tls): string =>
  `listen 127.0.0.1:8000 ssl; ssl_certificate ${own.cert}; ssl_certificate_key ${own.key}; ssl_client_certificate ${ca}; ssl_verify_client optional;`;

const asks = 'proxy_set_header X-Original-Method $request_method;';
const tellsVerdict = 'proxy_set_header ssl-client-verify $ssl_client_verify;';
const tellsCertificate = 'proxy_set_header ssl-client-cert $ssl_client_escaped_cert;';
const tellsNames =
  'proxy_set_header ssl-client-subject-dn $ssl_client_s_dn; proxy_set_header ssl-client-issuer-dn $ssl_client_i_dn;';

const nginx =
  (config: string, ...tells: readonly string[]): CertificateFront['start'] =>
  (tls, ports, owner) =>
    startNginx({
      config: replaced(config, ['listen 127.0.0.1:8000;', nginxTls(tls)], [asks, [asks, ...tells].join(' ')]),
      ports,
      owner,
    });

const indented = (depth: number, lines: readonly string[]): string =>
  lines.map((line) => `${' '.repeat(depth)}${line}`).join('\n');

const envoyTls = ({ own, ca }: Tls): string =>
  indented(10, [
    'transport_socket:',
    '  name: envoy.transport_sockets.tls',
    '  typed_config:',
    '    "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
    '    common_tls_context:',
    `      tls_certificates: [{ certificate_chain: { filename: ${own.cert} }, private_key: { filename: ${own.key} } }]`,
    `      validation_context: { trusted_ca: { filename: ${ca} } }`,
  ]);

const sanitizes = indented(16, [
  'forward_client_cert_details: SANITIZE_SET',
  'set_current_client_cert_details: { subject: true, uri: true, dns: true }',
]);

const envoy =
  (file: string, ...changes: readonly (readonly [from: string, to: string])[]): CertificateFront['start'] =>
  (tls, ports, owner) =>
    startEnvoy({
      config: replaced(
        example(file),
        [
          '      filter_chains:\n        - filters:',
          `      filter_chains:\n        -\n${envoyTls(tls)}\n          filters:`,
        ],
        ...changes,
      ),
      ports,
      owner,
    });

const setsHeader = [
  '                use_remote_address: true',
  `${sanitizes}\n                use_remote_address: true`,
] as const;

const haproxy: CertificateFront['start'] = async ({ own, ca }, ports, owner) =>
  startHaproxy({
    config: replaced(
      example('haproxy/haproxy.cfg'),
      ['bind 127.0.0.1:8000', 'bind 127.0.0.1:8000 ssl crt own.pem ca-file ca.pem verify optional'],
      [
        '  http-request lua.sallyport',
        '  http-request del-header Client-Cert\n  http-request set-header Client-Cert :%[ssl_c_der,base64]: if { ssl_c_used } { ssl_c_verify 0 }\n  http-request lua.sallyport',
      ],
    ),
    files: {
      'sallyport.lua': example('haproxy/sallyport.lua'),
      'own.pem': `${readFileSync(own.cert, 'utf8')}${readFileSync(own.key, 'utf8')}`,
      'ca.pem': readFileSync(ca, 'utf8'),
    },
    ports: { ...ports, '127.0.0.1:8001': await freePort() },
    owner,
  });

const caddy: CertificateFront['start'] = async ({ own, ca }, ports, owner) => {
  const port = await freePort();
  return startCaddy({
    config: replaced(
      example('caddy/Caddyfile'),
      [
        'http://127.0.0.1:8000 {',
        `https://localhost:${port} {\n\ttls ${own.cert} ${own.key} {\n\t\tclient_auth {\n\t\t\tmode verify_if_given\n\t\t\ttrust_pool file ${ca}\n\t\t}\n\t}`,
      ],
      [
        '\t\tforward_auth 127.0.0.1:8080 {',
        '\t\trequest_header Client-Cert ":{http.request.tls.client.certificate_der_base64}:"\n\t\tforward_auth 127.0.0.1:8080 {',
      ],
    ),
    ports: { ...ports, '127.0.0.1:8000': port },
    owner,
  });
};

const traefik: CertificateFront['start'] = ({ own, ca }, ports, owner) => {
  const dynamic = replaced(
    example('traefik/dynamic.yaml'),
    ['entryPoints: [web]', 'entryPoints: [web]\n      tls: {}'],
    ['middlewares: [sallyport]', 'middlewares: [certificate, sallyport]'],
    [
      '  middlewares:\n    sallyport:',
      '  middlewares:\n    certificate: { passTLSClientCert: { pem: true } }\n    sallyport:',
    ],
  );
  const tls = `
tls:
  certificates: [{ certFile: ${own.cert}, keyFile: ${own.key} }]
  options:
    default: { clientAuth: { caFiles: [${ca}], clientAuthType: VerifyClientCertIfGiven } }
`;
  return launchTraefik(
    { config: '', files: { 'dynamic.yaml': `${dynamic}${tls}` }, ports, owner },
    { 'traefik.yaml': example('traefik/traefik.yaml') },
  );
};

export const certificateFronts: readonly CertificateFront[] = [
  {
    name: 'nginx',
    format: 'nginx',
    ...needs('nginx'),
    start: nginx(example('nginx/challenge.conf'), tellsVerdict, tellsCertificate),
  },
  {
    name: 'ingress-nginx, with auth-tls-pass-certificate-to-upstream',
    format: 'nginx',
    ...needs('nginx'),
    start: nginx(ingressNginx, tellsCertificate, tellsVerdict, tellsNames),
  },
  {
    name: 'ingress-nginx, without it',
    format: 'nginx_subject',
    ...needs('nginx'),
    start: nginx(ingressNginx, tellsVerdict, tellsNames),
  },
  {
    name: 'Envoy',
    format: 'envoy',
    ...needs('envoy'),
    start: envoy('envoy/envoy.yaml', setsHeader, [
      '                          - { exact: x-api-key, ignore_case: true }',
      '                          - { exact: x-forwarded-client-cert, ignore_case: true }\n                          - { exact: x-api-key, ignore_case: true }',
    ]),
  },
  {
    name: 'Envoy over gRPC',
    format: 'envoy',
    ...needs('envoy'),
    start: envoy('envoy/envoy-grpc.yaml', setsHeader),
  },
  {
    name: 'Envoy over gRPC, without the header',
    format: 'none',
    ...needs('envoy'),
    start: envoy('envoy/envoy-grpc.yaml', [
      '                      encode_raw_headers: true',
      '                      encode_raw_headers: true\n                      include_peer_certificate: true',
    ]),
  },
  { name: 'HAProxy', format: 'rfc9440', ...needs('haproxy'), start: haproxy },
  { name: 'Caddy', format: 'rfc9440', ...needs('caddy'), start: caddy },
  { name: 'Traefik', format: 'traefik', ...needsTraefik, start: traefik },
];
