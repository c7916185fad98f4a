import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load, problemsOf } from './harness.test.ts';
import { readPostgresUrl } from './postgres-url.ts';
import { formatProblem } from './problem.ts';

const read = (url: string) => {
  const address = readPostgresUrl(url);
  return 'message' in address ? address.message : { ...address, password: address.password.reveal() };
};

const ann = { host: 'db', port: 5432, user: 'ann', password: '', database: 'sallyport', tls: false };

for (const [url, expected] of [
  ['postgres://ann@db/sallyport', ann],
  ['postgresql://ann@db/sallyport', ann],
  ['postgres://ann:p%40ss%2Fw%23%3F@db:6543/sallyport', { ...ann, password: 'p@ss/w#?', port: 6543 }],
  ['postgres://ann@[::1]/sallyport', { ...ann, host: '::1' }],
  ['postgres://ann@%2Fvar%2Frun%2Fpostgresql/sallyport', { ...ann, host: '/var/run/postgresql' }],
  ['postgres://ann@db/sallyport?sslmode=disable', ann],
  ['postgres://ann@db/sallyport?sslmode=require', { ...ann, tls: true }],
  ['postgres://ann@db/sallyport?sslmode=verify-ca', { ...ann, tls: true }],
  ['postgres://ann@db/sallyport?sslmode=verify-full', { ...ann, tls: true }],
  ['postgres://ann@db/sallyport?sslmode=prefer', 'an sslmode that is not known, or not safe'],
  ['postgres://ann@db/sallyport?sslmode=no-verify', 'an sslmode that is not known, or not safe'],
  ['postgres://ann@db/sallyport?sslmode=toString', 'an sslmode that is not known, or not safe'],
  ['postgres://ann@db/sallyport?sslmode=disable&sslmode=require', 'a parameter that stands there twice'],
  ['postgres://ann@db/sallyport?sslrootcert=/ca.pem', 'the parameter sslrootcert'],
  ['postgres://ann@db/sallyport?host=elsewhere', 'a parameter that is not known here'],
  ['postgres://db/sallyport', 'names no user'],
  ['postgres://ann@db', 'names no database'],
  ['postgres://ann@db/', 'names no database'],
  ['postgres://ann:12#34@db/sallyport', 'names no user'],
  ['postgres://ann:pw#34@db/sallyport', 'not a connection URI'],
  ['postgres://ann:%zz@db/sallyport', 'not a connection URI'],
  ['postgres://ann@one,two:5432/sallyport', 'names more than one host'],
  ['mysql://ann@db/sallyport', 'not a connection URI'],
  ['', 'not a connection URI'],
] as const) {
  test(`${url} → ${typeof expected === 'string' ? expected : 'read'}`, () => assert.deepEqual(read(url), expected));
}

test('a URL that cannot be read is reported with its place, and nothing of it is shown', () => {
  for (const url of [
    'postgres://ann:CANARY@db',
    'postgres://ann:pw#CANARY@db/x',
    'postgres://u:CANARY@db/x?CANARY=1',
  ]) {
    const problems = problemsOf(`store: "${url}"`).map(formatProblem).join('\n');
    assert.match(problems, /^sallyport\.yaml:1:\d+ store/);
    assert.ok(!problems.includes('CANARY'), problems);
  }
});

test('an authority without TLS would be of no use, and is refused', () => {
  const yaml = (query: string) => `store: { type: postgres, url: "postgres://u@db/x${query}", ca: "-----BEGIN" }`;
  assert.match(problemsOf(yaml('')).map(formatProblem).join(), /store\.ca: is for TLS, and there is none/);
  assert.equal(load(yaml('?sslmode=require')).config.store.type, 'postgres');
});
