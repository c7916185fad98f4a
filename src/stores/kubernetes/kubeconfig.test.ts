import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { kubeconfigLogin } from './kubeconfig.ts';

const folderOf = (t: TestContext): string => {
  const path = mkdtempSync(join(tmpdir(), 'kubeconfig-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
};

type Parts = Readonly<{ cluster?: object; user?: object; context?: string }>;

const written = (t: TestContext, { cluster = {}, user = {}, context = 'here' }: Parts): string => {
  const path = join(folderOf(t), 'config');
  const server = 'https://10.0.0.1:6443';
  const config = {
    clusters: [{ name: 'c', cluster: { server, ...cluster } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'here', context: { cluster: 'c', user: 'u' } }],
    'current-context': context,
  };
  writeFileSync(path, JSON.stringify({ apiVersion: 'v1', kind: 'Config', ...config }));
  return path;
};

const base64 = (text: string) => Buffer.from(text).toString('base64');

test('a token, and whom to trust', async (t) => {
  const path = written(t, {
    cluster: { 'certificate-authority-data': base64('authority'), 'tls-server-name': 'api.example.com' },
    user: { token: 'secret' },
  });
  const { server, credentials } = await kubeconfigLogin(path);
  assert.equal(server.href, 'https://10.0.0.1:6443/');
  const { headers, tls } = await credentials();
  assert.deepEqual(headers, { authorization: 'Bearer secret' });
  assert.deepEqual([String(tls.ca), tls.servername, tls.rejectUnauthorized], ['authority', 'api.example.com', true]);
});

test('a client certificate', async (t) => {
  const user = { 'client-certificate-data': base64('mine'), 'client-key-data': base64('key') };
  const { credentials } = await kubeconfigLogin(written(t, { user }));
  const { headers, tls } = await credentials();
  assert.deepEqual([headers, String(tls.cert), String(tls.key)], [{}, 'mine', 'key']);
});

test('a name and a password', async (t) => {
  const { credentials } = await kubeconfigLogin(written(t, { user: { username: 'me', password: 'pass' } }));
  assert.equal((await credentials()).headers['authorization'], `Basic ${base64('me:pass')}`);
});

test('a program that logs in', async (t) => {
  const credential = {
    apiVersion: 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    status: { token: 'told' },
  };
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: process.execPath,
    args: ['--eval', `console.log(${JSON.stringify(JSON.stringify(credential))})`],
    interactiveMode: 'Never',
  };
  const { credentials } = await kubeconfigLogin(written(t, { user: { exec } }));
  assert.equal((await credentials()).headers['authorization'], 'Bearer told');
});

test('verification is off only where the file says so', async (t) => {
  const { credentials } = await kubeconfigLogin(written(t, { cluster: { 'insecure-skip-tls-verify': true } }));
  assert.equal((await credentials()).tls.rejectUnauthorized, false);
});

test('a proxy is used where it is HTTP’s, and refused by name where it is not', async (t) => {
  const proxied = await kubeconfigLogin(written(t, { cluster: { 'proxy-url': 'http://10.0.0.9:3128' } }));
  assert.equal(proxied.proxy, 'http://10.0.0.9:3128');
  const socks = written(t, { cluster: { 'proxy-url': 'socks5://10.0.0.9:1080' } });
  await assert.rejects(kubeconfigLogin(socks), /proxy-url socks5:\/\/10\.0\.0\.9:1080, of which only/);
});

test('files that it names lie beside it, and a token of a file is the one of now', async (t) => {
  const path = written(t, { user: { tokenFile: 'token' }, cluster: { 'certificate-authority': 'ca.pem' } });
  writeFileSync(join(dirname(path), 'ca.pem'), 'authority');
  const { credentials } = await kubeconfigLogin(path);
  for (const token of ['first', 'second']) {
    writeFileSync(join(dirname(path), 'token'), `${token}\n`);
    const { headers, tls } = await credentials();
    assert.deepEqual([headers['authorization'], String(tls.ca)], [`Bearer ${token}`, 'authority']);
  }
});

const broken: readonly (readonly [what: string, path: (t: TestContext) => string, said: RegExp])[] = [
  ['is not there', (t) => join(folderOf(t), 'nothing'), /nothing cannot be read \(ENOENT\)/],
  ['is no YAML', (t) => rewritten(t, 'users: [{token: hidden-one'), /config is no kubeconfig/],
  ['is another YAML', (t) => rewritten(t, '[hidden-one]'), /config is no kubeconfig|has no cluster/],
  ['names no cluster', (t) => written(t, { context: 'elsewhere' }), /has no cluster for its current context/],
  ['has no URL', (t) => written(t, { cluster: { server: 'here' } }), /whose server is no URL: "here"/],
];

const rewritten = (t: TestContext, text: string): string => {
  const path = written(t, {});
  writeFileSync(path, text);
  return path;
};

for (const [what, path, said] of broken) {
  test(`a kubeconfig that ${what} is told with its path and what is expected, and nothing of what is in it`, async (t) => {
    const error = await kubeconfigLogin(path(t)).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof Error);
    assert.match(error.message, /^pods\.kubeconfig: \/.*; expected a kubeconfig as `kubectl config view/);
    assert.match(error.message, said);
    assert.doesNotMatch(`${error.message}${String(error.cause)}`, /hidden-one/);
  });
}

test('the Kubernetes client is loaded for a kubeconfig, and for nothing else', (t) => {
  const folder = folderOf(t);
  writeFileSync(join(folder, 'token'), 'x');
  writeFileSync(join(folder, 'ca.crt'), 'x');
  const kubeconfig = written(t, { user: { token: 'x' } });
  const loadedBy = (what: string): boolean => {
    const script = `
      import { registerHooks } from 'node:module';
      const seen = [];
      registerHooks({ resolve(name, context, next) { seen.push(name); return next(name, context); } });
      const { openCluster } = await import('./cluster.ts');
      const { serviceAccountLogin } = await import('./service-account.ts');
      ${what}
      console.log(seen.some((name) => name.startsWith('@kubernetes/')));`;
    const args = ['--input-type=module', '--eval', script];
    return execFileSync(process.execPath, args, { cwd: import.meta.dirname, encoding: 'utf8' }).trim() === 'true';
  };
  assert.equal(loadedBy(`await serviceAccountLogin(${JSON.stringify(folder)}).credentials();`), false);
  const options = { kubeconfig, namespace: 'n', requestTimeoutMs: 1000 };
  assert.equal(loadedBy(`await openCluster(${JSON.stringify(options)});`), true);
});
