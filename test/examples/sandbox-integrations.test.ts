/** Every integration of examples/sandbox/integrations.yaml, and the built-in ones, asked for as a sandbox would. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { SignJWT } from 'jose';
import { assembleResolver } from '../../src/assemble/resolver.ts';
import { loadConfig } from '../../src/config/load.ts';
import { readCall } from '../../src/egress/resolver/call.ts';
import { createPeers } from '../../src/http/peers.ts';
import { createOutbound } from '../../src/stores/outbound/exchange.ts';

const path = join(import.meta.dirname, '../../examples/sandbox/integrations.yaml');
const secret = 'secret-of-the-sandboxes-0123456789abcdef';

const own = (variables: string) => Object.fromEntries(variables.split(' ').map((name) => [name, `value-of-${name}`]));
const env = {
  JWT_SECRET: secret,
  ...own('DATADOG_API_KEY DATADOG_APPLICATION_KEY GITHUB_TOKEN GITLAB_TOKEN HONEYCOMB_API_KEY PAGERDUTY_API_KEY'),
  ...own('NEW_RELIC_API_KEY ELASTICSEARCH_API_KEY JIRA_API_TOKEN SENTRY_TOKEN OPENAI_API_KEY SLACK_BOT_TOKEN'),
  ...own('STRIPE_SECRET_KEY ANTHROPIC_API_KEY CORALOGIX_API_KEY'),
  ELASTICSEARCH_DOMAIN: 'acme.es.eu-central-1.aws.elastic.cloud',
  JIRA_EMAIL: 'bot@acme.example',
  JIRA_DOMAIN: 'acme.atlassian.net',
  CORALOGIX_DOMAIN: 'eu2.coralogix.com',
};

const { resolver: config } = loadConfig({ path, env }).config;
assert.ok(config);
const outbound = createOutbound();
after(outbound.close);
const { resolve } = assembleResolver(config, {
  outbound,
  keySources: { take: () => assert.fail(), release: () => undefined, close: async () => undefined },
  throttle: { isOpen: () => true, recordFailure: () => undefined },
  digest: (token) => token,
  peers: createPeers([]),
  now: Date.now,
  telemetry: {
    countLookup: () => () => undefined,
    resolverEvents: () => ({ resolved: () => undefined, serviceFailed: () => undefined }),
  },
});

const token = await new SignJWT({ tenant_id: 't', team_id: 'u', sandbox_id: 's' })
  .setProtectedHeader({ alg: 'HS256' })
  .setIssuer('sallyport')
  .setAudience('credential-resolver')
  .setExpirationTime('5m')
  .sign(new TextEncoder().encode(secret));

const ask = async (method: string, host: string, target: string) => {
  const resolution = await resolve({ token, call: readCall(method, host, target), peerIp: '' });
  return resolution.result === 'injected'
    ? { integration: resolution.integration, set: resolution.injection.set }
    : { integration: '', set: resolution.result };
};

const basic = Buffer.from('bot@acme.example:value-of-JIRA_API_TOKEN').toString('base64');

// biome-ignore format: a table is read by its columns
const calls: readonly (readonly [name: string, method: string, host: string, target: string, set: Readonly<Record<string, string>>])[] = [
  ['anthropic', 'POST', 'api.anthropic.com', '/v1/messages', { 'X-API-Key': 'value-of-ANTHROPIC_API_KEY' }],
  ['anthropic', 'POST', 'api.anthropic.com', '/api/event_logging/batch', { 'X-API-Key': 'value-of-ANTHROPIC_API_KEY' }],
  ['coralogix', 'POST', 'api.eu2.coralogix.com', '/api/v1/dataprime/query', { Authorization: 'Bearer value-of-CORALOGIX_API_KEY' }],
  ['coralogix', 'GET', 'api.eu2.coralogix.com', '/api/v1/query_range?query=up', { Authorization: 'Bearer value-of-CORALOGIX_API_KEY' }],
  ['datadog', 'GET', 'api.datadoghq.eu', '/api/v1/query?from=1', { 'DD-API-KEY': 'value-of-DATADOG_API_KEY', 'DD-APPLICATION-KEY': 'value-of-DATADOG_APPLICATION_KEY' }],
  ['github', 'GET', 'api.github.com', '/repos/acme/app/pulls', { Authorization: 'Bearer value-of-GITHUB_TOKEN' }],
  ['gitlab', 'POST', 'gitlab.com', '/api/v4/projects/1/issues', { 'PRIVATE-TOKEN': 'value-of-GITLAB_TOKEN' }],
  ['honeycomb', 'GET', 'api.honeycomb.io', '/1/datasets', { 'X-Honeycomb-Team': 'value-of-HONEYCOMB_API_KEY' }],
  ['pagerduty', 'GET', 'api.pagerduty.com', '/incidents', { Authorization: 'Token token=value-of-PAGERDUTY_API_KEY' }],
  ['newrelic', 'POST', 'api.newrelic.com', '/graphql', { 'Api-Key': 'value-of-NEW_RELIC_API_KEY' }],
  ['elasticsearch', 'POST', 'acme.es.eu-central-1.aws.elastic.cloud:9243', '/logs-*/_search', { Authorization: 'ApiKey value-of-ELASTICSEARCH_API_KEY' }],
  ['jira', 'GET', 'acme.atlassian.net', '/rest/api/3/search?jql=x', { Authorization: `Basic ${basic}` }],
  ['sentry', 'GET', 'sentry.io', '/api/0/projects/', { Authorization: 'Bearer value-of-SENTRY_TOKEN' }],
  ['openai', 'POST', 'api.openai.com', '/v1/responses', { Authorization: 'Bearer value-of-OPENAI_API_KEY' }],
  ['slack', 'POST', 'slack.com', '/api/chat.postMessage', { Authorization: 'Bearer value-of-SLACK_BOT_TOKEN' }],
  ['stripe', 'GET', 'api.stripe.com', '/v1/charges', { Authorization: 'Bearer value-of-STRIPE_SECRET_KEY' }],
];

for (const [name, method, host, target, set] of calls) {
  test(`${name}: ${method} ${host}${target}`, async () => {
    assert.deepEqual(await ask(method, host, target), { integration: name, set });
  });
}

test('every integration is asked for above, and each has its credential', () => {
  const asked = new Set(calls.map(([name]) => name));
  const named = config.integrations.map(({ name }) => name);
  assert.deepEqual([...asked].toSorted(), [...named, 'anthropic', 'coralogix'].toSorted());
  assert.deepEqual(
    named.toSorted(),
    Object.keys(config.credentials)
      .filter((name) => named.includes(name))
      .toSorted(),
  );
});

for (const [method, host, target] of [
  ['POST', 'api.github.com', '/repos/acme/app/issues'],
  ['GET', 'github.com', '/'],
  ['GET', 'api.github.com.evil.example', '/x'],
  ['GET', 'evil.atlassian.net', '/rest/api/3/search'],
  ['GET', 'evil.es.eu-central-1.aws.elastic.cloud', '/x'],
  ['GET', 'acme.atlassian.net', '/login'],
  ['GET', 'api.us2.coralogix.com', '/api/v1/query'],
  ['GET', 'localhost', '/v1/messages'],
  ['GET', 'hooks.slack.com', '/services/x'],
] as const) {
  test(`nothing for ${method} ${host}${target}`, async () => {
    assert.deepEqual(await ask(method, host, target), { integration: '', set: 'refused' });
  });
}
