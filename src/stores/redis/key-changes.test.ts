import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { createKeyChanges } from './key-changes.ts';

const hash = 'a'.repeat(64);

/** A connection that hears what is told, and answers when the test says so. */
const createClient = () => {
  const told: Readonly<{ message: string; answer: PromiseWithResolvers<number> }>[] = [];
  const publish = (_channel: string, message: string): Promise<number> => {
    const answer = Promise.withResolvers<number>();
    told.push({ message, answer });
    return answer.promise;
  };
  return { told, client: Object.assign(new Redis({ lazyConnect: true }), { publish }) };
};

test('a change that did not arrive is told by the next connection, also where an earlier one of the key did', async () => {
  const first = createClient();
  const second = createClient();
  let current = first.client;
  const changes = createKeyChanges({
    link: () => ({ client: () => current }),
    keyPrefix: 'p:',
    forget: () => assert.fail('nobody tells us of anything'),
    forgetAll: () => undefined,
  });
  changes.spread(hash);
  changes.spread(hash);
  first.told[0]?.answer.resolve(1);
  first.told[1]?.answer.reject(new Error('the connection is closed'));
  await setImmediate();
  current = second.client;
  changes.catchUp(second.client);
  assert.deepEqual(
    second.told.map(({ message }) => message),
    [hash],
  );
  second.told[0]?.answer.resolve(1);
  await setImmediate();
  changes.catchUp(second.client);
  assert.equal(second.told.length, 1, 'what arrived is told once');
});
