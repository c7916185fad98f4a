/**
 * The configuration of the egress seed and the one of examples/egress, through the service, with real Redis, TLS and client
 * certificates. The hosts of the world are one local server, which each target's host becomes the first segment of.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { type RecordingTarget, startRecordingTarget } from '../peers/recording-target.ts';
import { startTokenServer } from '../peers/token-server.ts';
import { startSallyport } from '../sallyport.ts';
import { createAuthority, readPair } from '../servers/certificates.ts';
import { needs } from '../servers/programs.ts';
import { startRedis } from '../servers/redis.ts';

const owner = { after };
const root = join(import.meta.dirname, '../..');
const seed = readFileSync(join(root, 'test/seeds/000.md'), 'utf8');
const printed = /```yaml\n(# =+\n# Egress Only.*?)```/s.exec(seed)?.[1] ?? assert.fail('the seed has no configuration');
const example = readFileSync(join(root, 'examples/egress/sallyport.yaml'), 'utf8');

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const env = {
  REDIS_PASSWORD: 'secret-of-redis',
  TOKEN_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
  STRIPE_SECRET_KEY: 'sk_live_of_stripe',
  PAYPAL_CLIENT_ID: 'shop@paypal',
  PAYPAL_CLIENT_SECRET: 'secret of/paypal',
  TWILIO_ACCOUNT_SID: 'AC1',
  TWILIO_AUTH_TOKEN: 'secret-of-twilio',
  SENDGRID_API_KEY: 'SG.of-sendgrid',
  AWS_S3_PRESIGNED_HEADER: 'AWS4-HMAC-SHA256 as-it-was-signed',
  AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'secret-of-aws',
  GCP_CLIENT_EMAIL: 'shop@project.iam.gserviceaccount.com',
  GCP_PRIVATE_KEY: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString().replaceAll('\n', '\\n'),
  CUSTOM_API_TOKEN: 'token-of-the-custom-api',
};

const ready = needs('redis', 'openssl');

const startInternal = async (server: ReturnType<typeof createAuthority>['issue'], ca: string): Promise<number> => {
  const internal = createServer(
    { ...readPair(server('internal')), ca: readFileSync(ca), requestCert: true, rejectUnauthorized: true },
    ({ url }, response) => response.end(`by certificate: ${url}`),
  );
  await new Promise<void>((resolve) => internal.listen(0, '127.0.0.1', resolve));
  after(() => internal.close());
  return (internal.address() as AddressInfo).port;
};

type World = Readonly<{
  target: RecordingTarget;
  ca: string;
  /** The same configuration, in a world of one machine. */
  here(text: string): string;
  tokensAsked(): number;
}>;

type Egress = {
  token_store: { redis: { address: string } };
  targets: Record<string, { url: string; allow_private?: boolean; auth: { token_url?: string; private_key?: string } }>;
};

const makeWorld = async (): Promise<World> => {
  const authority = createAuthority(owner);
  const [redis, target, tokens, internalPort] = await Promise.all([
    startRedis({ owner, settings: { requirepass: env.REDIS_PASSWORD } }),
    startRecordingTarget({ owner, tls: authority.issue('world') }),
    startTokenServer({
      owner,
      clients: { [env.PAYPAL_CLIENT_ID]: env.PAYPAL_CLIENT_SECRET },
      accounts: { [env.GCP_CLIENT_EMAIL]: env.GCP_PRIVATE_KEY.replaceAll('\\n', '\n') },
    }),
    startInternal(authority.issue, authority.ca),
  ]);
  const client = authority.issue('client');
  return {
    target,
    ca: authority.ca,
    tokensAsked: tokens.asked,
    here(text) {
      const { http: _, store: __, ...config } = parse(text);
      const { token_store, targets }: Egress = config.egress;
      token_store.redis.address = new URL(redis.url).host;
      for (const one of Object.values(targets)) {
        const { host, pathname } = new URL(one.url);
        one.url = `${target.url}/${host}${pathname.replace(/\/$/, '')}`;
        one.allow_private = true;
        if (one.auth.token_url ?? one.auth.private_key) one.auth.token_url = tokens.tokenUrl;
      }
      Object.assign(targets['internal-api'] ?? {}, {
        url: `https://127.0.0.1:${internalPort}`,
        tls: { client_cert: client.cert, client_key: client.key, ca_cert: authority.ca },
      });
      return stringify(config);
    },
  };
};

const basic = `Basic ${Buffer.from(`${env.TWILIO_ACCOUNT_SID}:${env.TWILIO_AUTH_TOKEN}`).toString('base64')}`;
const json = { 'content-type': 'application/json' };

/** The curl lines of the seed, the address that is called, and the credential that is on it. */
const calls = [
  ['POST', '/ext/stripe/charges', '/api.stripe.com/v1/charges', 'authorization', `Bearer ${env.STRIPE_SECRET_KEY}`],
  ['GET', '/ext/stripe/balance', '/api.stripe.com/v1/balance', 'authorization', `Bearer ${env.STRIPE_SECRET_KEY}`],
  ['POST', '/ext/paypal/checkout/orders', '/api.paypal.com/v2/checkout/orders', 'authorization', /^Bearer token-\d+$/],
  ['POST', '/ext/sms/Messages.json', '/api.twilio.com/2010-04-01/Accounts/AC1/Messages.json', 'authorization', basic],
  ['POST', '/ext/email/mail/send', '/api.sendgrid.com/v3/mail/send', 'authorization', `Bearer ${env.SENDGRID_API_KEY}`],
  ['POST', '/ext/slack/T0/B0/XX', '/hooks.slack.com/services/T0/B0/XX', 'authorization', undefined],
  [
    'GET',
    '/ext/gcs/storage/v1/b/my-bucket/o/my-file',
    '/storage.googleapis.com/storage/v1/b/my-bucket/o/my-file',
    'authorization',
    /^Bearer token-\d+$/,
  ],
  ['GET', '/ext/custom/things', '/api.custom-service.com/things', 'x-custom-auth-token', env.CUSTOM_API_TOKEN],
] as const;

const configurations = [
  ['the seed', printed, '/s3.amazonaws.com/my-bucket?list-type=2', new RegExp(`^${env.AWS_S3_PRESIGNED_HEADER}$`)],
  [
    'the example',
    example,
    '/s3.eu-central-1.amazonaws.com/my-bucket?list-type=2',
    /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-central-1\/s3\/aws4_request, /,
  ],
] as const;

const world = ready.skip ? undefined : await makeWorld();

for (const [what, text, s3Path, s3Credential] of configurations) {
  test(
    `every call of ${what} goes out with its credential, to one local server that plays every host`,
    ready,
    async (t) => {
      assert.ok(world);
      const { target, here, ca } = world;
      const sallyport = await startSallyport({
        config: here(text),
        env: { ...env, NODE_EXTRA_CA_CERTS: ca },
        owner: t,
      });
      const call = (method: string, path: string) =>
        fetch(`${sallyport.url}${path}`, {
          method,
          headers: { ...json, authorization: 'Bearer of-the-caller' },
          ...(method === 'POST' && { body: '{"amount":1000}' }),
        });
      for (const [method, path, expected, header, credential] of [
        ...calls,
        ['GET', '/ext/s3/my-bucket?list-type=2', s3Path, 'authorization', s3Credential] as const,
      ]) {
        const answer = await call(method, path);
        assert.equal(answer.status, 200, `${path}: ${await answer.clone().text()}`);
        const { url, values, body } = target.latest();
        assert.equal(url, expected);
        const found = values(header).join(' and ');
        if (credential instanceof RegExp) assert.match(found, credential, path);
        else assert.equal(found, credential ?? 'Bearer of-the-caller', path);
        assert.equal(body, method === 'POST' ? '{"amount":1000}' : '');
      }
      assert.equal(await (await call('GET', '/ext/internal/orders')).text(), 'by certificate: /orders');
      const metrics = await (await fetch(`${sallyport.url}/metrics`)).text();
      assert.match(metrics, /^egress_requests_total\{target="stripe",method="POST",status="200"\} 1$/m);
      const shown = `${sallyport.output()}${metrics}`;
      for (const secret of Object.values(env).slice(2)) {
        if (secret.length < 12) continue;
        for (const form of [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')])
          assert.ok(!shown.includes(form), `${form.slice(0, 8)}… is shown`);
      }
    },
  );
}

test('a token that one replica fetched serves the next', ready, async (t) => {
  assert.ok(world);
  const before = world.tokensAsked();
  const config = world.here(example);
  for (const _ of [1, 2]) {
    const { url } = await startSallyport({ config, env: { ...env, NODE_EXTRA_CA_CERTS: world.ca }, owner: t });
    assert.equal((await fetch(`${url}/ext/paypal/checkout/orders`)).status, 200);
  }
  assert.ok(world.tokensAsked() - before <= 1);
});
