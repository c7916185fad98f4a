/** Names as they stand in real certificates, against names as people write them in a configuration. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { createAuthority } from '../../test/servers/certificates.ts';
import { canonicalName } from '../core/certificate-name.ts';
import { commonNameOf } from '../core/client-certificate.ts';
import { certificateSubject } from './certificate.ts';
import { readEscapedPem } from './encoded-certificate.ts';

const authority = createAuthority({ after });

/** `subject` is in openssl's form, in which a backslash keeps `/`, `+` and itself from meaning anything. */
for (const [index, [subject, written, commonName]] of (
  [
    ['/O=MyOrg/CN=api-gateway-client', 'CN=api-gateway-client,O=MyOrg', 'api-gateway-client'],
    ['/O=MyOrg+CN=orders', 'O=MyOrg,CN=orders', 'orders'],
    ['/O=Acme, Inc/CN=x,CN=orders', 'CN=x\\,CN=orders,O=Acme\\, Inc', 'x,CN=orders'],
    ['/CN=x\\+CN=orders', 'CN=x\\+CN=orders', 'x+CN=orders'],
    [
      '/O=M\u00f6bel GmbH/CN=J\u00f6rg \u65e5\u672c \u{1F511}',
      'CN=J\u00f6rg \u65e5\u672c \u{1F511},O=M\\C3\\B6bel GmbH',
      'J\u00f6rg \u65e5\u672c \u{1F511}',
    ],
    ['/CN=say "hi" <a>;b=c', 'CN=say \\"hi\\" \\<a\\>\\;b\\=c', 'say "hi" <a>;b=c'],
    ['/CN=#0401', 'CN=\\#0401', '#0401'],
    ['/CN=a\\\\b', 'CN=a\\\\b', 'a\\b'],
    ['/CN= spaced ', 'CN=\\ spaced\\ ', ' spaced '],
    ['/CN=100%25', 'CN=100%25', '100%25'],
    ['/OU=a/OU=b/CN=orders', 'CN=orders,OU=b,OU=a', 'orders'],
    ['/CN=a/CN=b', 'CN=b,CN=a', undefined],
    ['/O=MyOrg', 'O=MyOrg', undefined],
  ] as const
).entries()) {
  test(`a certificate of ${subject} is ${written}`, () => {
    const { cert } = authority.issue(`name-${index}`, undefined, { subject });
    const certificate = readEscapedPem(encodeURIComponent(readFileSync(cert, 'utf8')));
    assert.ok(certificate);
    assert.notEqual(canonicalName(written), undefined);
    assert.equal(certificate.canonicalSubject, canonicalName(written));
    assert.equal(commonNameOf(certificate), commonName);
    const whole = canonicalName(certificateSubject(certificate));
    if (commonName === undefined) assert.equal(whole, canonicalName(written), 'and goes by a name that is an entry');
  });
}
