/** Billing and customers by the admin API, by status. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { DAY_MS } from '../billing/terms.ts';
import { startCalls } from './calls.ts';
import { createSetAside } from './set-aside.ts';

const { call, billing, now, pass, closeStore } = await startCalls({ after });
after(closeStore);

const bodyOf = async (answer: Promise<{ status: number; body: string }>): Promise<Record<string, unknown>> =>
  JSON.parse((await answer).body);

const setAside = createSetAside({ billing, now, pass });

test('200: the status says what waits, and what went wrong', async () => {
  const before = await bodyOf(call('GET', '/api/billing/status'));
  assert.deepEqual([before['dry_run'], before['last_sent_at'], before['problem']], [false, null, null]);
  await setAside(['status']);
  const status = await bodyOf(call('GET', '/api/billing/status'));
  assert.deepEqual(
    [status['waiting'], status['last_error']],
    [{ events: 0, value: 0, oldest: null }, 'No such customer'],
  );
});

test('200: events that need a decision are listed page by page', async () => {
  const ids = await setAside(['page_1', 'page_2', 'page_3']);
  const seen: unknown[] = [];
  let query = 'limit=2';
  for (let pages = 0; pages < 9; pages++) {
    const page = await bodyOf(call('GET', `/api/billing/reconciliation?${query}`));
    assert.ok(Array.isArray(page['events']));
    for (const { id, reason } of page['events']) seen.push([id, reason]);
    if (page['next_cursor'] === null) break;
    query = `limit=2&cursor=${page['next_cursor']}`;
  }
  for (const id of ids) assert.equal(seen.filter((one) => JSON.stringify(one).includes(id)).length, 1);
  assert.deepEqual(await bodyOf(call('GET', '/api/billing/reconciliation?state=dry')), {
    events: [],
    next_cursor: null,
  });
});

for (const [resolution, state] of [
  ['sent', 'sent'],
  ['drop', 'dropped'],
  ['resend', 'waiting'],
] as const) {
  test(`200: a decision is carried out, and 409 when it is made again: ${resolution}`, async () => {
    const [id = ''] = await setAside([`decide_${resolution}`]);
    const ask = () => call('POST', `/api/billing/reconciliation/${id}`, { body: { resolution } });
    const made = await ask();
    assert.deepEqual([made.status, JSON.parse(made.body).state], [200, state]);
    const again = await ask();
    assert.deepEqual([again.status, JSON.parse(again.body).code], [409, 'already_resolved']);
  });
}

test('200: sent again to another customer', async () => {
  const [id = ''] = await setAside(['moved']);
  pass(40 * DAY_MS);
  const body = { resolution: 'resend', customer_id: 'cus_right' };
  const event = await bodyOf(call('POST', `/api/billing/reconciliation/${id}`, { body }));
  assert.deepEqual([event['customer_id'], event['timestamp']], ['cus_right', new Date(now()).toISOString()]);
});

test('customers: 200 when put and read, 204 when removed, 404 when there is none', async () => {
  const path = '/api/customers/ann%2Fbob%20%C3%A4';
  assert.equal((await call('GET', path)).status, 404);
  assert.equal((await call('PUT', path, { body: { customer_id: 'cus_1' } })).status, 200);
  const put = await bodyOf(call('PUT', path, { body: { customer_id: 'cus_2' } }));
  assert.deepEqual([put['user_id'], put['customer_id']], ['ann/bob ä', 'cus_2']);
  assert.deepEqual(await bodyOf(call('GET', path)), put);
  assert.deepEqual((await bodyOf(call('GET', '/api/customers')))['customers'], [put]);
  assert.equal((await call('DELETE', path)).status, 204);
  assert.equal((await call('DELETE', path)).status, 404);
});

const decide = '/api/billing/reconciliation/sp_x';
for (const [method, path, body, status] of [
  ['POST', decide, { resolution: 'drop' }, 404],
  ['POST', decide, { resolution: 'other' }, 400],
  ['POST', decide, { resolution: 'drop', customer_id: 'cus_1' }, 400],
  ['POST', decide, { resolution: 'resend', customer_id: 'cus 1' }, 400],
  ['POST', decide, {}, 400],
  ['GET', '/api/billing/reconciliation?state=sent', undefined, 400],
  ['GET', '/api/billing/reconciliation?limit=0', undefined, 400],
  ['GET', '/api/billing/reconciliation?cursor=%00', undefined, 400],
  ['GET', '/api/billing/status?x=1', undefined, 400],
  ['DELETE', '/api/billing/status', undefined, 405],
  ['PUT', '/api/customers/ann', { customer_id: '' }, 400],
  ['PUT', '/api/customers/ann', { customer_id: 'cus_1', more: 1 }, 400],
  ['PUT', '/api/customers/a%00b', { customer_id: 'cus_1' }, 400],
  ['PUT', `/api/customers/${'x'.repeat(513)}`, { customer_id: 'cus_1' }, 400],
  ['GET', '/api/customers/a%0Ab', undefined, 404],
] as const) {
  test(`${status}: ${method} ${path.slice(0, 60)} ${JSON.stringify(body) ?? ''}`, async () => {
    assert.equal((await call(method, path, body && { body })).status, status);
  });
}

for (const [method, path] of [
  ['GET', '/api/billing/status'],
  ['GET', '/api/billing/reconciliation'],
  ['POST', decide],
  ['GET', '/api/customers'],
  ['PUT', '/api/customers/ann'],
] as const) {
  test(`401: ${method} ${path} without the token`, async () => {
    assert.equal((await call(method, path, { headers: { Authorization: '' } })).status, 401);
  });
}
