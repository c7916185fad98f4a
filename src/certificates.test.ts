import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createAuthority } from '../test/servers/certificates.ts';
import { until } from '../test/servers/until.ts';
import { createWorkdir } from '../test/servers/workdir.ts';
import { watchCertificates } from './certificates.ts';
import { watchFiles } from './watched-files.ts';

test('changed files are handed on; what does not fit together is told of, and tried again with the next change', async (t) => {
  const { path } = createWorkdir('certificates', t);
  const authority = createAuthority(t);
  const files = { cert_file: join(path, 'cert'), key_file: join(path, 'key'), client_ca_file: [join(path, 'ca')] };
  const write = (name: string, from: string) => copyFileSync(from, join(path, name));
  const [old, renewed] = [authority.issue('old'), authority.issue('renewed')];
  write('cert', old.cert);
  write('key', old.key);
  write('ca', authority.ca);
  const kept: string[] = [];
  const used: string[] = [];
  const watched = watchCertificates(files, (error) => kept.push(String(error)), 5);
  t.after(() => watched.close());
  const nameOf = (certificate: Buffer) => new X509Certificate(certificate).subject;
  assert.equal(nameOf(watched.current.cert), 'CN=old');
  watched.onChange(({ cert, clientCas }) => used.push([cert, ...clientCas].map(nameOf).join()));
  write('cert', renewed.cert);
  await until('the certificate that does not fit is told of', () => kept.length > 0);
  assert.match(kept[0] ?? '', /key: not the key of the certificate in/);
  assert.equal(used.length, 0);
  write('key', renewed.key);
  await until('both are used', () => used.includes('CN=renewed,CN=test authority'));
  write('ca', createAuthority(t, 'another').ca);
  await until('the authority is used', () => used.includes('CN=renewed,CN=another'));
});

test('a file that is not there is an error', () => {
  assert.throws(
    () => watchCertificates({ cert_file: '/nowhere/cert', key_file: '/nowhere/key', client_ca_file: [] }, () => {}),
    /nowhere/,
  );
});

test('what cannot be used is told of once for each reason, and not at every look', async (t) => {
  const { path } = createWorkdir('certificates', t);
  const file = join(path, 'cert');
  writeFileSync(file, 'old');
  const kept: string[] = [];
  const watched = watchFiles([file], (error) => kept.push(String(error)), 2);
  t.after(() => watched.close());
  let looks = 0;
  watched.onChange(() => {
    looks += 1;
    throw new Error('it does not fit');
  });
  writeFileSync(file, 'new');
  await until('it was looked at', () => looks > 0);
  rmSync(file);
  await until('the missing file is told of', () => kept.length === 2);
  const missing = kept.length;
  writeFileSync(file, 'newer');
  await until('the next change is tried', () => looks > 1);
  assert.equal(missing, 2);
  assert.equal(kept.length, 3);
});
