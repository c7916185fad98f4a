/** TLS between Envoy and the resolver's own listener, as docs/resolver.md says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse, stringify } from 'yaml';
import { startEchoApp, valuesOf } from '../peers/echo-app.ts';
import { example } from '../proxies/line-up.ts';
import { startSallyport } from '../sallyport.ts';
import { createAuthority, type Pair } from '../servers/certificates.ts';
import { startEnvoy } from '../servers/envoy.ts';
import { freePort } from '../servers/free-port.ts';
import { needs } from '../servers/programs.ts';
import { request } from '../servers/request.ts';
import { jwtSecret, sandboxToken } from './tokens.ts';

test(
  'an Envoy with a certificate is answered over TLS, and one with none, or of somebody else, lets nothing out',
  needs('envoy', 'openssl'),
  async (t) => {
    const authority = createAuthority(t);
    const { cert, key } = authority.issue('resolver');
    const [gate, app, token] = await Promise.all([
      startSallyport({
        owner: t,
        config: `resolver:
  addr: "127.0.0.1:0"
  secret: "${jwtSecret}"
  tls: { cert_file: "${cert}", key_file: "${key}", client_ca_file: "${authority.ca}", client_auth: require }
  credentials: { anthropic: { api_key: sk-ant-1 } }
`,
      }),
      startEchoApp({ owner: t }),
      sandboxToken(),
    ]);

    const startFront = async (own: Pair | undefined): Promise<string> => {
      const bootstrap = parse(example('sandbox/envoy.yaml'));
      for (const cluster of bootstrap.static_resources.clusters) {
        const isSallyport = cluster.name === 'sallyport';
        const socket_address = { address: '127.0.0.1', port_value: isSallyport ? gate.resolverPort : app.port };
        cluster.type = 'STATIC';
        cluster.load_assignment.endpoints = [{ lb_endpoints: [{ endpoint: { address: { socket_address } } }] }];
        const { typed_config } = bootstrap.static_resources.clusters[1].transport_socket ?? {};
        if (!isSallyport) continue;
        cluster.transport_socket = {
          name: 'envoy.transport_sockets.tls',
          typed_config: {
            '@type': typed_config['@type'],
            common_tls_context: {
              validation_context: { trusted_ca: { filename: authority.ca } },
              ...(own && {
                tls_certificates: [{ certificate_chain: { filename: own.cert }, private_key: { filename: own.key } }],
              }),
            },
          },
        };
      }
      for (const cluster of bootstrap.static_resources.clusters.slice(1)) delete cluster.transport_socket;
      const port = await freePort();
      const ports = { [`127.0.0.1:${gate.resolverPort}`]: gate.resolverPort, [`127.0.0.1:${app.port}`]: app.port };
      const { url } = await startEnvoy({
        config: stringify(bootstrap),
        ports: { ...ports, '127.0.0.1:8000': port, '127.0.0.1:8001': port, '127.0.0.1:8002': gate.resolverPort },
        env: { SANDBOX_JWT: token },
        owner: t,
      });
      return url;
    };

    const stranger = createAuthority(t).issue('envoy');
    const fronts = await Promise.all([authority.issue('envoy'), undefined, stranger].map(startFront));
    const statuses = await Promise.all(fronts.map(async (url) => (await request(url, '/v1/messages')).status));
    assert.deepEqual(statuses, [200, 503, 503]);
    assert.equal(app.seen(), 1);
    assert.deepEqual(valuesOf(app.latest() ?? assert.fail(), 'x-api-key'), ['sk-ant-1']);
    await assert.rejects(request(`http://127.0.0.1:${gate.resolverPort}`, '/v1/messages'));
  },
);
