import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { serviceAccountLogin } from './service-account.ts';

const folderOf = (t: TestContext, files: Readonly<Record<string, string>>): string => {
  const path = mkdtempSync(join(tmpdir(), 'service-account-'));
  t.after(() => rmSync(path, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return path;
};

test('the token is the one of now: the kubelet replaces it while we run', async (t) => {
  const folder = folderOf(t, { token: 'first\n', 'ca.crt': 'authority' });
  const { server, credentials } = serviceAccountLogin(folder);
  assert.equal(server.origin, 'https://kubernetes.default.svc');
  assert.equal((await credentials()).headers['authorization'], 'Bearer first');
  writeFileSync(join(folder, 'token'), 'second');
  writeFileSync(join(folder, 'ca.crt'), 'another');
  const renewed = await credentials();
  assert.equal(renewed.headers['authorization'], 'Bearer second');
  assert.equal(String(renewed.tls.ca), 'another');
});

test('outside of a pod it is said what to do', (t) => {
  assert.throws(() => serviceAccountLogin(folderOf(t, { token: 'x' })), /ca\.crt is not there: .*pods\.kubeconfig/);
});
