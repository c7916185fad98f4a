import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from '../config/harness.test.ts';
import { clientCertificateOf } from '../core/client-certificate.ts';
import type { ClientCertificate } from '../core/request.ts';
import { createMemoryRateLimiter } from '../stores/memory/rate-limiter.ts';
import { assembleCallers } from './callers.ts';

const admissionOf = (target: string) => {
  const { config } = load(`egress: { targets: { a: { url: https://a.example, ${target} } } }`);
  const a = config.egress?.targets['a'];
  assert.ok(a);
  const limiter = createMemoryRateLimiter(() => 0);
  const { admit } = assembleCallers(config, { identifiers: {}, limiter, onReported: () => undefined })('a', a);
  return async (clientIp: string, certificate?: ClientCertificate, proof?: string) => {
    const { refusal } = await admit({
      clientIp,
      certificate,
      header: (name) => (name === 'proxy-authorization' ? proof : undefined),
    });
    return refusal?.code ?? 'passes';
  };
};

test('a source is a range or one address, and IPv4 in the clothes of IPv6 is IPv4', async () => {
  const ask = admissionOf('callers: [{ source: 10.1.0.0/16 }, { source: 192.0.2.7 }, { source: "2001:db8::/32" }]');
  for (const ip of ['10.1.0.0', '10.1.255.255', '192.0.2.7', '2001:db8::1', '::ffff:10.1.2.3'])
    assert.equal(await ask(ip), 'passes', ip);
  for (const ip of ['10.2.0.0', '192.0.2.8', '2001:db9::1', '::ffff:10.2.0.0', '', 'nonsense', '10.1'])
    assert.equal(await ask(ip), 'caller_refused', ip);
});

test('calls are counted for each caller: by the certificate, else by the network of the address', async () => {
  const ask = admissionOf('limits: { per_minute: 2 }');
  const certificate = clientCertificateOf({ subject: 'CN=orders', fingerprint256: '00' });
  for (const [ip, shown, codes] of [
    ['192.0.2.1', undefined, ['passes', 'passes', 'rate_limited']],
    ['192.0.2.2', undefined, ['passes']],
    ['2001:db8::1', undefined, ['passes', 'passes']],
    ['2001:db8::2', undefined, ['rate_limited']],
    ['192.0.2.1', certificate, ['passes', 'passes', 'rate_limited']],
    ['192.0.2.2', certificate, ['rate_limited']],
  ] as const) {
    for (const code of codes) assert.equal(await ask(ip, shown), code, ip);
  }
});

test('a credential of a kind that is not known here is refused, not overlooked', async () => {
  const ask = admissionOf('callers: [{ source: 10.0.0.0/8 }]');
  assert.equal(await ask('10.0.0.1', undefined, 'Bearer sk-any'), 'unrecognised_credential');
  assert.equal(await ask('10.0.0.1', undefined, 'Bearer a.b.c'), 'unrecognised_credential');
  assert.equal(await ask('10.0.0.1'), 'passes');
});
