import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Allow } from '../../core/decision.ts';
import { dressPayment, tellPayer } from '../../core/dress.ts';
import { anonymous } from '../../core/identity.ts';
import type { Receipt } from '../../core/payment.ts';
import { Secret } from '../../core/secret.ts';
import { allowLines } from './allow-lines.ts';

const running: Receipt = { paymentId: 'pay_1', amount: 8, unit: 'sat', balance: 4, isRunning: true };
const dressed = { 'X-User-ID': '', 'X-Payment-Balance': '' };

const permit = (receipt: Receipt): Allow => ({
  verdict: 'allow',
  identity: anonymous,
  upstream: dressPayment(dressed, receipt),
  client: tellPayer(receipt, 'https'),
  remove: [],
});

const namesIn = (allow: Allow, taken?: readonly string[]) =>
  allowLines(allow, taken).flatMap(({ headers }) => Object.keys(headers));

test('a header that application and client are both told stands once', () => {
  const names = namesIn(permit({ ...running, session: { id: new Secret('id'), maxAgeSeconds: 60 } }));
  assert.equal(new Set(names).size, names.length);
  for (const name of ['X-Payment-Balance', 'X-Payment-Session', 'Set-Cookie']) assert.ok(names.includes(name), name);
});

test('the client is told nothing under a name that is taken', () => {
  const allow = permit({ ...running, session: { id: new Secret('id'), maxAgeSeconds: 60 } });
  assert.ok(!namesIn(allow, ['X-Payment-Session']).includes('X-Payment-Session'));
});

test('while bought time runs its lines are written once, and for each session and receipt their own', () => {
  assert.deepEqual(allowLines(permit(running)), allowLines(permit(running)));
  assert.equal(allowLines(permit(running))[0], allowLines(permit(running))[0]);
  const later = allowLines(permit({ ...running, balance: 3 }));
  assert.match(later.map(({ text }) => text).join(''), /X-Payment-Balance: 3;unit=sat\r\n/);
  assert.notEqual(dressPayment({ ...dressed }, running), dressPayment(dressed, running));
});

test('the pod of a payer is told with more of it by choice, and no pod by nobody else’s headers', () => {
  const withPod = (name: string, ip: string): Receipt => ({ ...running, pod: { name, headers: { 'X-Pod-IP': ip } } });
  const told = (receipt: Receipt) => {
    const { 'X-Provisioned-Pod': name, 'X-Pod-IP': ip } = dressPayment(dressed, receipt);
    return [name, ip];
  };
  assert.deepEqual(told(withPod('user-pod-1', '10.0.0.1')), ['user-pod-1', '10.0.0.1']);
  assert.deepEqual(told(withPod('user-pod-1', '10.0.0.2')), ['user-pod-1', '10.0.0.2']);
  assert.deepEqual(told(withPod('user-pod-2', '10.0.0.2')), ['user-pod-2', '10.0.0.2']);
  assert.deepEqual(told(running), ['', undefined]);
});
