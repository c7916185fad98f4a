import assert from 'node:assert/strict';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { callerRequest } from './egress-caller.ts';
import { createPeers } from './peers.ts';

test('what is asked of a caller has no getter of its own, which would keep each call in memory for long', () => {
  const message = new IncomingMessage(new Socket());
  const peers = createPeers([]);
  const caller = callerRequest(message, peers.of(message.socket), { peers, forwardedCertificates: false });
  assert.equal(caller.certificate, undefined);
  const own = Object.entries(Object.getOwnPropertyDescriptors(caller));
  assert.deepEqual(
    own.filter(([, { get }]) => get !== undefined).map(([name]) => name),
    [],
  );
});
