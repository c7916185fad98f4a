import assert from 'node:assert/strict';
import { request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { assembleCredentials, createCredentialMemory } from '../../src/assemble/credentials.ts';
import { load } from '../../src/config/harness.test.ts';
import { type Credential, CredentialForbidden, type Dressing, type LeavingCall } from '../../src/egress/credential.ts';
import { type Loopback, listen } from '../peers/loopback.ts';
import { type AwsAccount, sigV4Problem } from '../peers/sigv4-verifier.ts';

const account = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'canary/secret+key', region: 'eu-central-1' };
const now = Date.now();

/** A target whose address is as AWS sees it; what arrives is checked for `s3` behind `/s3`, for `dynamodb` elsewhere. */
let aws: Loopback;

before(async () => {
  aws = await listen((asked) => {
    const service = asked.header('x-test-service') ?? '';
    const token = asked.header('x-test-token');
    const of: AwsAccount = { ...account, service, ...(token !== undefined && { sessionToken: token }) };
    return { status: 200, body: sigV4Problem(asked, of, now) ?? 'verified' };
  });
});

after(() => aws.stop());

const assemble = async (url: string, service: string, more = '', clock = () => now): Promise<Credential> => {
  const keys = `access_key_id: ${account.accessKeyId}, secret_access_key: "${account.secretAccessKey}", region: ${account.region}`;
  const auth = `{ type: aws_sigv4, ${keys}, service: ${service}${more} }`;
  const yaml = `egress: { targets: { a: { url: "${url}", allow_private: true, auth: ${auth} } } }`;
  const events = {
    onRefresh: () => undefined,
    onCacheHit: () => undefined,
    onStoreLost: () => undefined,
    onStoreBack: () => undefined,
  };
  const { config } = load(yaml);
  const [credential] = (await assembleCredentials(config, { now: clock, memory: createCredentialMemory(), events })).of(
    'a',
  );
  assert.ok(credential);
  return credential;
};

type Sent = Readonly<{
  method?: string;
  path?: string;
  headers?: readonly string[];
  body?: string;
  service?: string;
  token?: string;
}>;

/** As a proxy sends it: the caller's headers without those that the credential sets, then the credential's. */
const send = async (
  credential: Credential,
  { method = 'GET', path = '/', headers = [], body = '', service = 's3', token }: Sent,
) => {
  const kept = headers.filter(
    (_text, index) => !credential.headerNames.includes((headers[index - (index % 2)] ?? '').toLowerCase()),
  );
  const bytes = Buffer.from(body);
  const call: LeavingCall = {
    method,
    origin: aws.url,
    path,
    headers: kept,
    body: credential.body === 'buffered' ? bytes : undefined,
  };
  const worn = await credential.dress(call);
  const extra = ['X-Test-Service', service, ...(token === undefined ? [] : ['X-Test-Token', token])];
  const raw = [
    'Host',
    new URL(aws.url).host,
    ...kept,
    ...worn.headers,
    ...extra,
    'Content-Length',
    String(bytes.length),
  ];
  return new Promise<string>((resolve, reject) => {
    const asked = request(aws.url, { method, path, headers: raw, setDefaultHeaders: false }, (response) => {
      buffer(response).then((text) => resolve(text.toString()), reject);
    });
    asked.on('error', reject);
    asked.end(bytes);
  });
};

test('the verifier takes the example that AWS published, and none that was changed', () => {
  const example = {
    method: 'PUT',
    url: '/test$file.text',
    rawHeaders: [
      ...[
        'Host',
        'examplebucket.s3.amazonaws.com',
        'Date',
        'Fri, 24 May 2013 00:00:00 GMT',
        'x-amz-date',
        '20130524T000000Z',
      ],
      ...[
        'x-amz-storage-class',
        'REDUCED_REDUNDANCY',
        'x-amz-content-sha256',
        '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
      ],
      'Authorization',
      'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
    ],
    body: Buffer.from('Welcome to Amazon S3.'),
  };
  const of = {
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    region: 'us-east-1',
    service: 's3',
  };
  const at = Date.parse('2013-05-24T00:00:00Z');
  assert.equal(sigV4Problem(example, of, at), undefined);
  assert.equal(sigV4Problem({ ...example, url: '/test%24file.text' }, of, at), undefined);
  for (const changed of [
    { method: 'GET' },
    { url: '/test' },
    { url: '/test$file.text?acl' },
    { body: Buffer.from('Welcome!') },
  ])
    assert.ok(sigV4Problem({ ...example, ...changed }, of, at));
  assert.ok(sigV4Problem(example, { ...of, secretAccessKey: 'other' }, at));
  assert.ok(sigV4Problem(example, of, at + 901_000));
});

// biome-ignore format: a table is read by its columns
const calls: readonly (readonly [what: string, sent: Sent])[] = [
  ['nothing but its host', {}],
  ['a query that is out of order, with a name that comes again', { path: '/bucket?prefix=b%2Fc&list-type=2&a=2&a=1&flag' }],
  ['a key that is escaped, and one that need not be', { path: '/bucket/a%20b/(c)@d=e,f:g%C3%BC/%7e' }],
  ['a key with empty and hidden segments', { path: '/bucket//a/.b/c..' }],
  ['a body', { method: 'PUT', path: '/bucket/key', body: 'hello', headers: ['Content-Type', 'text/plain; a=b'] }],
  ['a body for DynamoDB', { method: 'POST', service: 'dynamodb', body: '{"ü":1}', headers: ['X-Amz-Target', 'DynamoDB_20120810.GetItem', 'Content-Type', 'application/x-amz-json-1.0'] }],
  ['a path that others escape once more', { service: 'lambda', path: '/2015-03-31/functions/arn%3Aaws%3Alambda/invocations?Qualifier=a%2Bb' }],
  ['headers of its own, one of which comes again', { headers: ['x-amz-meta-a', '1', 'X-Amz-Meta-A', ' 2   3 ', 'X-Other', 'not signed'] }],
  ['a header beyond ASCII', { headers: ['x-amz-meta-a', Buffer.from('grün').toString('latin1')] }],
  ['the signature of its caller, which is dropped', { headers: ['Authorization', 'AWS4-HMAC-SHA256 Credential=x', 'X-Amz-Date', '19990101T000000Z', 'x-amz-content-sha256', 'x', 'X-Amz-Security-Token', 'y'] }],
];

for (const [what, sent] of calls) {
  test(`AWS would take a call with ${what}`, async () => {
    const credential = await assemble(aws.url, sent.service ?? 's3');
    assert.equal(await send(credential, sent), 'verified');
  });
}

test('AWS would take a call of temporary credentials', async () => {
  const credential = await assemble(aws.url, 's3', ', session_token: "token+/="');
  assert.equal(await send(credential, { token: 'token+/=' }), 'verified');
});

test('AWS would take whatever path, query and header a caller sends, or it is refused before', async () => {
  const [s3, other] = [await assemble(aws.url, 's3'), await assemble(aws.url, 'sqs')];
  const segment = fc.string({ unit: fc.constantFrom(..."aZ09-._~!$&'()*,;=:@", '%20', '%C3%BC', '%2B', '%25', '%3F') });
  const path = fc.array(
    segment.filter((text) => text !== '.' && text !== '..'),
    { minLength: 1, maxLength: 4 },
  );
  const queryText = fc.string({
    unit: fc.constantFrom(..."aZ09-._~!$'()*,;:@/?", '%20', '%26', '%3D', '%C3%BC', '%2B', '&', '='),
  });
  const run = async (segments: string[], query: string, value: string) => {
    // What is empty at first begins another host's path, and others normalise it.
    const target = `/x${segments
      .filter((one) => one !== '')
      .map((one) => `/${one}`)
      .join('')}?${query}`;
    for (const [credential, service] of [
      [s3, 's3'],
      [other, 'sqs'],
    ] as const) {
      const verdict = await send(credential, { path: target, service, headers: ['x-amz-meta-v', value] });
      assert.equal(verdict, 'verified', `${service} ${target} ${value}`);
    }
  };
  await fc.assert(fc.asyncProperty(path, queryText, fc.stringMatching(/^[ -~]{0,9}$/), run), { numRuns: 100 });
});

test('to S3 by TLS a body streams and is not signed; everywhere else it is read first, up to its bound', async () => {
  const [tls, plain, other] = [
    await assemble('https://s3.eu-central-1.amazonaws.com', 's3'),
    await assemble('http://minio.internal', 's3', ', max_signed_body: 1KiB'),
    await assemble('https://sqs.eu-central-1.amazonaws.com', 'sqs'),
  ];
  assert.deepEqual([tls.body, tls.mostBodyBytes], ['streamed', undefined]);
  assert.deepEqual([plain.body, plain.mostBodyBytes], ['buffered', 1_024]);
  assert.deepEqual([other.body, other.mostBodyBytes], ['buffered', 8 * 1_024 ** 2]);
  const origin = 'https://s3.eu-central-1.amazonaws.com';
  const { headers } = await tls.dress({ method: 'PUT', origin, path: '/b/k', headers: [], body: undefined });
  assert.equal(headers[headers.indexOf('x-amz-content-sha256') + 1], 'UNSIGNED-PAYLOAD');
  const rawHeaders = ['Host', 's3.eu-central-1.amazonaws.com', ...headers];
  const asked = { method: 'PUT', url: '/b/k', rawHeaders, body: Buffer.from('whatever it is') };
  assert.equal(sigV4Problem(asked, { ...account, service: 's3' }, now), undefined);
});

// biome-ignore format: a table is read by its columns
const refused: readonly (readonly [what: string, service: string, call: Partial<LeavingCall>])[] = [
  ['a plus in the query', 'sqs', { path: '/?a=b+c' }],
  ['an escape in the query that is no UTF-8', 'sqs', { path: '/?a=%FF' }],
  ['half an escape in the query', 'sqs', { path: '/?a=%2' }],
  ['a plus in the path of an object', 's3', { path: '/a+b' }],
  ['an escaped slash in the path of an object', 's3', { path: '/a%2fb' }],
  ['a lone percent sign in the path of an object', 's3', { path: '/a%' }],
  ['a body that its caller signed in chunks', 's3', { headers: ['Content-Encoding', 'gzip, aws-chunked'] }],
];

for (const [what, service, call] of refused) {
  test(`${what} is refused, for AWS could read it otherwise than it was signed`, async () => {
    const credential = await assemble('https://aws.example', service);
    const whole = { method: 'GET', origin: 'https://aws.example', path: '/', headers: [], body: undefined, ...call };
    await assert.rejects(async () => credential.dress(whole), CredentialForbidden);
  });
}

test('each call is signed at its own time, and neither the credential nor the signature can be printed', async () => {
  let at = now;
  const credential = await assemble(aws.url, 's3', '', () => at);
  const dress = async () =>
    credential.dress({ method: 'GET', origin: aws.url, path: '/', headers: [], body: Buffer.alloc(0) });
  const first = await dress();
  at += 1_000;
  const second = await dress();
  const headerIn = ({ headers }: Dressing, name: string) => headers[headers.indexOf(name) + 1];
  for (const name of ['x-amz-date', 'authorization']) assert.notEqual(headerIn(first, name), headerIn(second, name));
  const printed = [
    inspect(credential, { depth: 9 }),
    inspect(first),
    JSON.stringify([credential, first]),
    String(first),
  ];
  assert.ok(!/canary|Signature=/.test(printed.join()), printed.join());
});
