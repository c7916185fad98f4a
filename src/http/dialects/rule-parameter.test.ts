import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { deny } from '../../core/decision.ts';
import type { Gate, Question } from '../../core/gate.ts';
import { refuse } from '../../core/refusal.ts';
import { AuthResponse } from '../auth-response.ts';
import { createForwardAuth } from '../forward-auth.ts';
import { createPeers } from '../peers.ts';

const asked: Question[] = [];
const gate: Pick<Gate, 'decide'> = {
  decide: async (question) => {
    asked.push(question);
    return { decision: deny(refuse('no_rule', 'Whatever it is.')), rule: '' };
  },
};
const forwardAuth = createForwardAuth(gate, createPeers(['127.0.0.1']), () => {});
const server = createServer(
  { ServerResponse: AuthResponse },
  (message, response) => void forwardAuth(message, response),
);
before(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
after(() => server.close());

const forwarded = (uri: string) => ({
  'X-Forwarded-Uri': uri,
  'X-Forwarded-Method': 'GET',
  'X-Forwarded-Host': 'shop.example.com',
});

const descriptions = {
  nginx: (uri: string) => ({ 'X-Original-URL': `https://shop.example.com${uri}`, 'X-Original-Method': 'GET' }),
  traefik: forwarded,
  caddy: forwarded,
  haproxy: forwarded,
} as const;

/** What the gate was asked, or the status of the refusal where it was not. */
const ask = async (endpoint: string, headers: Record<string, string>): Promise<Question | number> => {
  asked.length = 0;
  const { port } = server.address() as AddressInfo;
  const { status } = await fetch(`http://127.0.0.1:${port}${endpoint}`, { headers });
  return asked[0] ?? status;
};

for (const [dialect, describe] of Object.entries(descriptions)) {
  const refused = dialect === 'nginx' ? 403 : 400;

  test(`${dialect}: a rule named by the operator is the one`, async () => {
    const question = await ask(`/auth/${dialect}?rule=premium`, describe('/orders/1?rule=free'));
    assert.ok(typeof question === 'object');
    assert.equal(question.ruleName, 'premium');
  });

  test(`${dialect}: an auth URL without a query names none, whatever the client asks for`, async () => {
    const question = await ask(`/auth/${dialect}`, describe('/orders/1?rule=free'));
    assert.ok(typeof question === 'object');
    assert.equal(question.ruleName, undefined);
  });

  // Caddy's "uri /auth/caddy" keeps the query of the request: only "uri /auth/caddy?" drops it.
  test(`${dialect}: a client names no rule where the proxy hands its query on`, async () => {
    assert.equal(await ask(`/auth/${dialect}?rule=free`, describe('/orders/1?rule=free')), refused);
    assert.equal(await ask(`/auth/${dialect}?a=b&rule=free`, describe('/orders/1?a=b&rule=free')), refused);
  });

  test(`${dialect}: a client's query that names no rule does no harm there`, async () => {
    const question = await ask(`/auth/${dialect}?a=b`, describe('/orders/1?a=b'));
    assert.ok(typeof question === 'object');
    assert.equal(question.ruleName, undefined);
  });

  test(`${dialect}: two rules are none`, async () => {
    assert.equal(await ask(`/auth/${dialect}?rule=premium&rule=free`, describe('/orders/1?rule=free')), refused);
  });
}
