import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from '../config/harness.test.ts';
import { ReloadRefused } from '../reload/refused.ts';
import { assemblePolicy } from './policy.ts';

test('without a policy in the configuration there is no engine', async () => {
  assert.equal(await assemblePolicy(load('').config, Date.now), undefined);
});

for (const yaml of [
  '{ path: /p/bundle.tar.gz }',
  '{ path: /p/policy.wasm }',
  '{ path: /p }',
  '{ engine: opa_sidecar, url: "http://169.254.169.254" }',
]) {
  test(`${yaml} that cannot be loaded refuses the configuration, and says which`, async () => {
    const { config } = load(`policy: ${yaml}`);
    await assert.rejects(assemblePolicy(config, Date.now), (error) => {
      assert.ok(error instanceof ReloadRefused);
      assert.equal(error.reasons.length, 1);
      assert.ok(error.message.startsWith(`${config.policy?.path ?? config.policy?.url}: `), error.message);
      return true;
    });
  });
}

test('a policy server need not be there yet', async (t) => {
  const { config } = load('policy: { engine: opa_sidecar, url: "http://127.0.0.1:9" }');
  const engine = await assemblePolicy(config, Date.now);
  t.after(() => engine?.close());
  assert.match(String(await engine?.problem?.()), /ECONNREFUSED/);
});
