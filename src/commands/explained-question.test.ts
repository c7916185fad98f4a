import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type QuestionOptions, readQuestion } from './explained-question.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-question-'));
after(() => rmSync(folder, { recursive: true }));

const fileOf = (text: string): string => {
  const path = join(folder, 'request');
  writeFileSync(path, text);
  return path;
};

const read = (request: string, more: Partial<QuestionOptions> = {}) => readQuestion({ request, header: [], ...more });

test('a URL and its options are one question', () => {
  const header = ['X-A: 1', 'x-b:2', 'X-A: 3', 'constructor: 4'];
  const certificate = 'CN=orders,O=MyOrg';
  assert.deepEqual(read('https://a/b?c', { header, method: 'POST', certificate, clientIp: '::1', door: 'gate' }), {
    url: 'https://a/b?c',
    method: 'POST',
    headers: { 'X-A': ['1', '3'], 'x-b': ['2'], constructor: ['4'] },
    certificate: { subject: certificate, uris: [], dns_names: [] },
    client_ip: '::1',
    door: 'gate',
  });
});

for (const [written, certificate] of [
  ['uri:spiffe://a/b', { uris: ['spiffe://a/b'], dns_names: [] }],
  ['dns:a.example.com', { uris: [], dns_names: ['a.example.com'] }],
  [`sha256:${'ab'.repeat(32)}`, { uris: [], dns_names: [], fingerprint: 'ab'.repeat(32) }],
] as const) {
  test(`a certificate is meant by ${written.slice(0, 20)}`, () => {
    const question = read('https://a/b', { certificate: written });
    assert.deepEqual(typeof question === 'string' ? question : question.certificate, certificate);
  });
}

test('a certificate is read from its file', () => {
  const question = read('https://a/b', { certificate: fileOf('-----BEGIN') });
  assert.equal(typeof question === 'string' ? question : question.certificate, '-----BEGIN');
});

for (const text of ['{"url": "https://a/b", "headers": {"X-A": "1"}}', 'url: https://a/b\nheaders:\n  X-A: "1"\n']) {
  test(`a file says the same in ${text.startsWith('{') ? 'JSON' : 'YAML'}`, () => {
    assert.deepEqual(read(fileOf(text)), { url: 'https://a/b', method: 'GET', headers: { 'X-A': '1' } });
  });
}

for (const [what, asked, said] of [
  ['no file', () => read('missing.json'), /^--request missing\.json: no such file, and no URL/],
  ['a path alone', () => read('/orders/1'), /^--request \/orders\/1: no such file, and no URL/],
  ['a file that is no request', () => read(fileOf('{}')), /request: url: Invalid input/],
  ['a file that is no YAML', () => read(fileOf('url: {\n canary')), /request: line \d: /],
  ['a bomb of aliases', () => read(fileOf('a: &a [x]\nb: [*a, *a]')), /request: /],
  ['a misspelt key', () => read(fileOf('{ url: https://a/b, metod: GET }')), /Unrecognized key: "metod"/],
  ['a file that is too long', () => read(fileOf('x'.repeat(300_000))), /longer than 262144 bytes/],
  ['a header without a name', () => read('https://a/b', { header: ['canary'] }), /^--header 1: expected NAME: VALUE/],
  ['no name of a header', () => read('https://a/b', { header: ['a b: canary'] }), /^--header 1: expected NAME: VALUE/],
  ['no address', () => read('https://a/b', { clientIp: 'here' }), /client_ip: is not an address/],
  ['no door', () => read('https://a/b', { door: 'window' }), /door: Invalid option/],
  ['options beside a file', () => read(fileOf('url: https://a/b'), { method: 'GET' }), /^a file says everything/],
] as const) {
  test(`a question that makes no sense is told, without what it holds: ${what}`, () => {
    const question = asked();
    assert.ok(typeof question === 'string');
    assert.match(question, said);
    assert.equal(question.includes('canary'), false);
  });
}
