/** TLS between Envoy and the gRPC listener. */
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from 'node:tls';
import grpc from '@grpc/grpc-js';
import { startEchoApp } from '../peers/echo-app.ts';
import { callUnary, checkOf, createClient } from '../peers/envoy-api.ts';
import { example } from '../proxies/line-up.ts';
import { startSallyport } from '../sallyport.ts';
import { createAuthority, type Pair, readPair } from '../servers/certificates.ts';
import { startEnvoy } from '../servers/envoy.ts';
import type { Owner } from '../servers/last-resort.ts';
import { needs } from '../servers/programs.ts';
import { request } from '../servers/request.ts';
import { createWorkdir } from '../servers/workdir.ts';
import { seriesOf } from '../tls/ask.ts';

const rules = 'rules: [{ name: free, match: { path: "/free/**" }, accept: [anonymous] }]';

const open = async (owner: Owner) => {
  const authority = createAuthority(owner);
  const { cert, key } = authority.issue('sallyport');
  const tls = `tls: { cert_file: "${cert}", key_file: "${key}", client_ca_file: "${authority.ca}" }`;
  const gate = await startSallyport({ owner, config: `grpc: { addr: "127.0.0.1:0", ${tls} }\n${rules}` });
  return { authority, gate };
};

const credentialsOf = (ca: string, own?: Pair) =>
  own
    ? grpc.credentials.createSsl(readFileSync(ca), readFileSync(own.key), readFileSync(own.cert))
    : grpc.credentials.createSsl(readFileSync(ca));

const once = { 'grpc.enable_retries': 0 };

test('a client with a certificate of the authority is answered, and nobody else', needs('openssl'), async (t) => {
  const { authority, gate } = await open(t);
  const stranger = createAuthority(t).issue('stranger');
  const ask = (credentials: grpc.ChannelCredentials) =>
    callUnary(createClient(gate.grpcPort, t, once, credentials), 'check', checkOf({}), {
      deadline: Date.now() + 2_000,
    });
  const known = await ask(credentialsOf(authority.ca, authority.issue('envoy')));
  assert.ok(known.message.ok_response);
  for (const credentials of [
    credentialsOf(authority.ca),
    credentialsOf(authority.ca, stranger),
    grpc.credentials.createInsecure(),
  ]) {
    const { code } = await ask(credentials);
    assert.ok(code === grpc.status.UNAVAILABLE || code === grpc.status.DEADLINE_EXCEEDED, `${code}`);
  }
  assert.ok((await ask(credentialsOf(authority.ca, authority.issue('again')))).message.ok_response);
});

test('a certificate on the list of revoked ones is refused, and it is counted why', needs('openssl'), async (t) => {
  const authority = createAuthority(t);
  const { cert, key } = authority.issue('sallyport');
  const [known, leaked] = [authority.issue('envoy'), authority.issue('leaked')];
  const files = `cert_file: "${cert}", key_file: "${key}", client_ca_file: "${authority.ca}"`;
  const config = `grpc: { addr: "127.0.0.1:0", tls: { ${files}, crl_file: "${authority.revoke(leaked.cert)}" } }\n${rules}`;
  const gate = await startSallyport({ owner: t, config });
  const ask = (own: Pair) =>
    callUnary(createClient(gate.grpcPort, t, once, credentialsOf(authority.ca, own)), 'check', checkOf({}), {
      deadline: Date.now() + 2_000,
    });
  assert.ok((await ask(known)).message.ok_response);
  assert.equal((await ask(leaked)).code, grpc.status.UNAVAILABLE);
  const page = (await request(gate.url, '/metrics')).body;
  const labels = { listener: 'grpc', reason: 'revoked' };
  assert.ok(seriesOf(page, 'sallyport_tls_handshake_failures_total', labels) >= 1);
});

test('a client that does not speak HTTP/2 gets no connection', needs('openssl'), async (t) => {
  const { authority, gate } = await open(t);
  const socket = connect({
    port: gate.grpcPort,
    host: '127.0.0.1',
    ca: readFileSync(authority.ca),
    ALPNProtocols: ['http/1.1'],
    ...readPair(authority.issue('envoy')),
  });
  const how = await new Promise((resolve) => {
    socket.once('error', () => resolve('refused'));
    socket.once('secureConnect', () => resolve(socket.alpnProtocol));
  });
  socket.destroy();
  assert.notEqual(how, 'http/1.1');
});

const transport = (ca: string, { cert, key }: Pair) => `
      transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
          common_tls_context:
            tls_certificates: [{ certificate_chain: { filename: "${cert}" }, private_key: { filename: "${key}" } }]
            validation_context:
              trusted_ca: { filename: "${ca}" }
              match_typed_subject_alt_names: [{ san_type: IP_ADDRESS, matcher: { exact: 127.0.0.1 } }]`;

test(
  'Envoy asks over TLS, and finds nobody where it trusts another authority',
  needs('envoy', 'openssl'),
  async (t) => {
    const { authority, gate } = await open(t);
    const app = await startEchoApp({ owner: t });
    const ports = { '127.0.0.1:8080': gate.port, '127.0.0.1:9001': gate.grpcPort, '127.0.0.1:3000': app.port };
    const through = async (ca: string) => {
      const config = example('envoy/envoy-grpc.yaml').replace(
        '- name: sallyport_grpc\n',
        `- name: sallyport_grpc${transport(ca, authority.issue('envoy'))}\n`,
      );
      const front = await startEnvoy({ config, ports, owner: t });
      return (await request(front.url, '/free/1')).status;
    };
    assert.equal(await through(authority.ca), 200);
    assert.equal(await through(createAuthority(t).ca), 503);
  },
);

test(
  'a certificate that is there no more keeps the service from starting, and is named',
  needs('openssl'),
  async (t) => {
    const { path } = createWorkdir('no-certificates', t);
    const { cert, key } = createAuthority(t).issue('sallyport');
    copyFileSync(key, join(path, 'key.pem'));
    const tls = `tls: { cert_file: "${join(path, 'gone.pem')}", key_file: "${key}" }`;
    await assert.rejects(
      startSallyport({ owner: t, config: `grpc: { addr: "127.0.0.1:0", ${tls} }\n${rules}` }),
      /gone\.pem/,
    );
    const other = createAuthority(t).issue('other');
    const mixed = `tls: { cert_file: "${cert}", key_file: "${other.key}" }`;
    await assert.rejects(
      startSallyport({ owner: t, config: `grpc: { addr: "127.0.0.1:0", ${mixed} }\n${rules}` }),
      /grpc/,
    );
  },
);
