/** How a gRPC listener with TLS asks its callers to come back, while they ask. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { after, test } from 'node:test';
import type { Unary } from '../../src/grpc/server/method.ts';
import { isFailure } from '../../src/grpc/server/status.ts';
import { createAuthority, readPair } from '../servers/certificates.ts';
import { until } from '../servers/until.ts';
import { callRaw, framed, startListener, statusOf } from './wire.ts';

const authority = createAuthority({ after });
const ca = readFileSync(authority.ca);
const own = readPair(authority.issue('sallyport'));
const client = readPair(authority.issue('envoy'));

test('a listener with TLS that drains under load goes on, answers what it was asked, and ends every connection in order', async (t) => {
  let seen = 0;
  const large = 'x'.repeat(900);
  const echo: Unary = {
    kind: 'unary',
    answer(message) {
      if (isFailure(message)) return message;
      seen += 1;
      return [large];
    },
  };
  const { address, drain } = await startListener(t, {
    methods: { '/test.Test/Echo': echo },
    certificates: { ...own, clientCas: [ca] },
  });
  const sessions = Array.from({ length: 20 }, () => connect(`https://127.0.0.1:${address.port}`, { ca, ...client }));
  t.after(() => {
    for (const session of sessions) session.destroy();
  });
  let answered = 0;
  const load = Promise.all(
    sessions.map(async (session) => {
      session.on('error', () => undefined);
      await once(session, 'connect');
      while (!session.closed && !session.destroyed) {
        const calls = Array.from({ length: 20 }, () =>
          callRaw(session, {}, [framed(Buffer.from('hello'))]).then(
            (answer) => void (statusOf(answer) === 0 && answered++),
            () => undefined,
          ),
        );
        await Promise.race([Promise.all(calls), new Promise((resolve) => session.once('close', resolve))]);
      }
    }),
  );
  await until('all are at work', () => answered > 400);
  drain();
  await load;
  await until('all have left', () => sessions.every(({ destroyed }) => destroyed));
  assert.equal(answered, seen);
});
