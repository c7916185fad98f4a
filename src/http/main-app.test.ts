import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ForwardAuth } from './forward-auth.ts';
import { createMainListener } from './main-app.ts';
import { listen } from './server.ts';

const failure = new Error('for the test');

const cases: readonly { title: string; forwardAuth: ForwardAuth; status: number; body: string }[] = [
  {
    title: 'before an answer was given, is answered 503',
    forwardAuth: () => {
      throw failure;
    },
    status: 503,
    body: '',
  },
  { title: 'that comes later, is answered 503', forwardAuth: () => Promise.reject(failure), status: 503, body: '' },
  {
    title: 'after an answer was given, changes nothing about it',
    forwardAuth: (_message, response) => {
      response.send(401, '', '{}');
      throw failure;
    },
    status: 401,
    body: '{}',
  },
];

for (const { title, forwardAuth, status, body } of cases) {
  test(`a failure of ours ${title}`, async (t) => {
    const told: unknown[] = [];
    const listener = createMainListener([{ isFor: () => true, answer: forwardAuth }], [], (error) => told.push(error));
    const server = await listen(listener, { addr: '127.0.0.1:0', readTimeoutMs: 60_000, maxHeaderBytes: 65_536 });
    t.after(() => server.close(0));
    const response = await fetch(`http://127.0.0.1:${server.address.port}/auth`);
    assert.equal(response.status, status);
    assert.equal(await response.text(), body);
    assert.deepEqual(told, [failure]);
  });
}
