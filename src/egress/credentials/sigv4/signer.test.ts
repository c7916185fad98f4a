import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '../../../core/secret.ts';
import { createSigner, type SigV4Keys } from './signer.ts';

/** Of AWS's published Signature Version 4 test suite (aws-sig-v4-test-suite; also in awslabs/aws-c-auth and smithy-typescript). */
const suiteKeys: SigV4Keys = {
  accessKeyId: new Secret('AKIDEXAMPLE'),
  secretAccessKey: new Secret('wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'),
  sessionToken: undefined,
  region: 'us-east-1',
  service: 'service',
};

const suiteToken =
  'AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==';

const unreserved = '-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

type Vector = readonly [
  name: string,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  signature: string,
  body?: string,
];

// biome-ignore format: a table is read by its columns
const vectors: readonly Vector[] = [
  ['get-vanilla', 'GET', '/', {}, '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
  ['get-vanilla-query', 'GET', '/?', {}, '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
  ['get-vanilla-empty-query-key', 'GET', '/?Param1=value1', {}, 'a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb'],
  ['get-vanilla-query-order-key-case', 'GET', '/?Param2=value2&Param1=value1', {}, 'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500'],
  ['get-vanilla-query-unreserved', 'GET', `/?${unreserved}=${unreserved}`, {}, '9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197'],
  ['get-vanilla-utf8-query', 'GET', '/?%E1%88%B4=bar', {}, '2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04'],
  ['get-unreserved', 'GET', `/${unreserved}`, {}, '07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f'],
  ['get-utf8', 'GET', '/ሴ', {}, '8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85'],
  ['get-header-key-duplicate', 'GET', '/', { 'my-header1': 'value2,value2,value1' }, 'c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea'],
  ['get-header-value-multiline', 'GET', '/', { 'my-header1': 'value1,value2,value3' }, 'ba17b383a53190154eb5fa66a1b836cc297cc0a3d70a5d00705980573d8ff790'],
  ['get-header-value-order', 'GET', '/', { 'my-header1': 'value4,value1,value3,value2' }, '08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01'],
  ['get-header-value-trim', 'GET', '/', { 'my-header1': 'value1', 'my-header2': '"a   b   c"' }, 'acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736'],
  ['post-vanilla', 'POST', '/', {}, '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
  ['post-vanilla-query', 'POST', '/?Param1=value1', {}, '28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11'],
  ['post-vanilla-query-nonunreserved', 'POST', `/?${encodeURIComponent('@#$%^')}=&${encodeURIComponent('+')}=${encodeURIComponent('/,?><`";:\\|][{}')}`, {}, '66c82657c86e26fb25238d0e69f011edc4c6df5ae71119d7cb98ed9b87393c1e'],
  ['post-vanilla-query-space', 'POST', '/?p', {}, 'e71688addb58a26418614085fb730ba3faa623b461c17f48f2fbdb9361b94a9b'],
  ['post-header-key-sort', 'POST', '/', { 'my-header1': 'value1' }, 'c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c'],
  ['post-header-value-case', 'POST', '/', { 'my-header1': 'VALUE1' }, 'cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d'],
  ['post-x-www-form-urlencoded', 'POST', '/', { 'content-type': 'application/x-www-form-urlencoded' }, 'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a', 'Param1=value1'],
  ['post-x-www-form-urlencoded-parameters', 'POST', '/', { 'content-type': 'application/x-www-form-urlencoded; charset=utf8' }, '1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe', 'Param1=value1'],
];

for (const [name, method, path, headers, signature, body] of vectors) {
  test(`the signature of ${name} is the one that AWS published`, async () => {
    const sign = createSigner(suiteKeys, { applyChecksum: false });
    const signable = {
      method,
      path,
      headers,
      host: 'example.amazonaws.com',
      body: body === undefined ? body : Buffer.from(body),
    };
    const signed = await sign(signable, new Date('2015-08-30T12:36:00Z'));
    const names = ['host', 'x-amz-date', ...Object.keys(headers)].toSorted().join(';');
    const credential = 'AKIDEXAMPLE/20150830/us-east-1/service/aws4_request';
    assert.equal(signed['x-amz-date'], '20150830T123600Z');
    assert.equal(
      signed['authorization'],
      `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`,
    );
  });
}

test('the signature of post-sts-header-before, with a session token, is the one that AWS published', async () => {
  const sign = createSigner({ ...suiteKeys, sessionToken: new Secret(suiteToken) }, { applyChecksum: false });
  const signable = { method: 'POST', path: '/', headers: {}, host: 'example.amazonaws.com', body: undefined };
  const signed = await sign(signable, new Date('2015-08-30T12:36:00Z'));
  assert.equal(signed['x-amz-security-token'], suiteToken);
  assert.match(
    signed['authorization'] ?? '',
    /Signature=85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead$/,
  );
});

/** Amazon S3 API reference, "Signature calculations for the Authorization header: transferring payload in a single chunk". */
const s3Keys: SigV4Keys = {
  ...suiteKeys,
  accessKeyId: new Secret('AKIAIOSFODNN7EXAMPLE'),
  secretAccessKey: new Secret('wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'),
  service: 's3',
};

// biome-ignore format: a table is read by its columns
const examples: readonly Vector[] = [
  ['GET Object', 'GET', '/test.txt', { range: 'bytes=0-9' }, 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41'],
  ['GET Bucket Lifecycle', 'GET', '/?lifecycle', {}, 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543'],
  ['GET Bucket (List Objects)', 'GET', '/?max-keys=2&prefix=J', {}, '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7'],
];

for (const [name, method, path, headers, signature, body] of examples) {
  test(`the signature of the S3 example "${name}" is the one that AWS published`, async () => {
    const signable = {
      method,
      path,
      headers,
      host: 'examplebucket.s3.amazonaws.com',
      body: body === undefined ? body : Buffer.from(body),
    };
    const signed = await createSigner(s3Keys)(signable, new Date('2013-05-24T00:00:00Z'));
    assert.match(signed['authorization'] ?? '', new RegExp(`Signature=${signature}$`));
  });
}
