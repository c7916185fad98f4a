/** How often a target is asked, by what becomes of a call. */
import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { type Behaviour, startRecordingTarget } from '../peers/recording-target.ts';
import { startSallyport } from '../sallyport.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';

const owner = { after };
const target = await startRecordingTarget({ owner });
const at = `url: "${target.url}", allow_private: true, retry_delay: 5ms, retry_body_size: 1KiB, retry_budget: 1`;
const sallyport = await startSallyport({
  owner,
  config: `
egress:
  targets:
    seed: { ${at}, audit_path: full, retry_count: 3, timeout: 400ms, breaker: { enabled: false } }
    all: { ${at}, retry_methods: [GET, PUT, DELETE, POST, PATCH], timeout: 400ms, breaker: { enabled: false } }
    weak: { ${at}, retry_count: 0, breaker: { failures: 3, open_for: 200ms } }
    narrow: { ${at}, max_concurrent: 1, max_waiting: 1, timeout: 5s }
  routes:
    - { path_prefix: /ext/seed, target: seed }
    - { path_prefix: /ext/all, target: all }
    - { path_prefix: /ext/weak, target: weak }
    - { path_prefix: /ext/narrow, target: narrow }
`,
});

let before = 0;
const count = () => target.calls.length - before;
afterEach(() => {
  target.behave();
  before = target.calls.length;
});

type Asked = Readonly<{ method?: string; headers?: Readonly<Record<string, string>>; body?: string | ReadableStream }>;

const ask = async (path: string, { method = 'GET', headers = {}, body }: Asked = {}) => {
  const streamed = body instanceof ReadableStream ? { duplex: 'half' as const } : {};
  const given = body === undefined ? {} : { body };
  const response = await fetch(`${sallyport.url}/ext${path}`, { method, headers, ...given, ...streamed });
  const text = await response.text().catch((error: Error) => `broken off: ${error.message}`);
  return { status: response.status, headers: response.headers, text };
};

const answering =
  (status: number, headers: Readonly<Record<string, string>> = {}): Behaviour =>
  (_request, response) => {
    response.writeHead(status, headers).end(`it is ${status}`);
  };
const resetting: Behaviour = ({ socket }) => socket.destroy();
const hanging: Behaviour = () => undefined;
const babbling: Behaviour = ({ socket }) => socket.end('220 mail.example.com ESMTP\r\n');
const breakingOff: Behaviour = (_request, response) => {
  response.writeHead(200, { 'Content-Length': '100' }).write('half of it');
  setImmediate(() => response.destroy());
};

/** For so many calls, and then it answers well. */
const times = (limit: number, behaviour: Behaviour): Behaviour => {
  let left = limit;
  return (...args) => {
    left -= 1;
    if (left >= 0) behaviour(...args);
    else answering(200)(...args);
  };
};

const troubles: readonly (readonly [what: string, behaviour: Behaviour, status: number, code?: string])[] = [
  ['500', answering(500), 500],
  ['503 that wants another try', answering(503, { 'Retry-After': '0' }), 503],
  ['429 that wants another try', answering(429, { 'Retry-After': '0' }), 429],
  ['401', answering(401), 401],
  ['a reset', resetting, 502, 'target_reset'],
  ['what is no HTTP', babbling, 502, 'target_malformed'],
  ['half an answer', breakingOff, 200],
  ['no answer at all', hanging, 504, 'target_timeout'],
];

const body = 'amount=1000&currency=usd';
const chunked = () =>
  new ReadableStream({
    start(controller) {
      controller.enqueue(Buffer.from(body));
      controller.close();
    },
  });
const key = { 'Idempotency-Key': 'order-1' };

const charges: readonly (readonly [what: string, path: string, () => Asked])[] = [
  ['a POST with the retries of the seed', '/seed/charges', () => ({ method: 'POST', body })],
  ['a POST where POST may be repeated', '/all/charges', () => ({ method: 'POST', body })],
  ['a keyed POST that nobody allowed to repeat', '/seed/charges', () => ({ method: 'POST', headers: key, body })],
  ['a keyed POST in chunks', '/all/charges', () => ({ method: 'POST', headers: key, body: chunked() })],
  ['a keyed POST too large to hold', '/all/charges', () => ({ method: 'POST', headers: key, body: 'x'.repeat(1025) })],
];

for (const [what, path, make] of charges)
  for (const [trouble, behaviour, status, code] of troubles)
    test(`a charge is never sent twice: ${what}, answered by ${trouble}`, async () => {
      target.behave(behaviour);
      const answer = await ask(path, make());
      assert.equal(answer.status, status);
      if (code !== undefined) assert.equal(JSON.parse(answer.text).code, code);
      assert.equal(count(), 1);
    });

const passing = troubles.filter(([what]) => /503|429|a reset/.test(what));

const repeated: readonly (readonly [what: string, path: string, Asked])[] = [
  ['a GET', '/seed/x', {}],
  ['a PUT that may be repeated', '/all/x', { method: 'PUT', body }],
  ['a DELETE that may be repeated', '/all/x', { method: 'DELETE' }],
  ['a POST with an Idempotency-Key that may be repeated', '/all/x', { method: 'POST', headers: key, body }],
];

for (const [what, path, asked] of repeated)
  for (const [trouble, behaviour] of passing)
    test(`${what} gets its answer in the end, after ${trouble}`, async () => {
      target.behave(times(2, behaviour));
      const answer = await ask(path, asked);
      assert.deepEqual([answer.status, answer.text], [200, 'it is 200']);
      assert.equal(count(), 3);
      const sent = target.calls.slice(-3).map((call) => [call.method, call.url, call.body]);
      assert.deepEqual(sent[0], sent[1]);
      assert.deepEqual(sent[0], sent[2]);
    });

test('who is down for good is asked as often as configured, and its last answer is passed on', async () => {
  target.behave(answering(503));
  assert.deepEqual(await ask('/seed/x').then(({ status, text }) => [status, text]), [503, 'it is 503']);
  assert.equal(count(), 4);
});

test('the line of a call tells how often its target was asked', async () => {
  target.behave(times(2, resetting));
  await ask('/seed/counted');
  const line = () => sallyport.log().find(({ path }) => path === '/ext/seed/counted');
  await until('it is logged', () => line() !== undefined);
  assert.equal(line()?.['attempts'], 3);
});

test('an answer that wants more patience than the deadline has is the caller’s at once', async () => {
  target.behave(answering(429, { 'Retry-After': '60' }));
  const { status, headers } = await ask('/seed/x');
  assert.deepEqual([status, headers.get('retry-after'), count()], [429, '60', 1]);
});

test('all tries have one deadline together', async () => {
  let asked = 0;
  target.behave((...args) => {
    asked += 1;
    if (asked === 1) answering(503)(...args);
  });
  const from = performance.now();
  const { status, text } = await ask('/seed/x');
  assert.deepEqual([status, JSON.parse(text).code, count()], [504, 'target_timeout', 2]);
  const tookMs = performance.now() - from;
  assert.ok(tookMs > 390 && tookMs < 780, `${tookMs} ms`);
});

test('a target that fails is left alone, and tried again by one call', async () => {
  target.behave(answering(503));
  for (let call = 0; call < 3; call += 1) assert.equal((await ask('/weak/x')).text, 'it is 503');
  const refused = await ask('/weak/x', { method: 'POST', body });
  assert.deepEqual([refused.status, JSON.parse(refused.text).code, count()], [503, 'target_suspended', 3]);
  assert.equal(refused.headers.get('retry-after'), '1');
  target.behave();
  await until('it is tried again', async () => (await ask('/weak/x')).status === 200);
  assert.equal((await ask('/weak/x')).status, 200);
  assert.equal((await request(sallyport.url, '/ready')).status, 200, 'we are ready though a target is not');
});

test('no more calls are under way at once than configured; some wait, the rest are refused', async () => {
  const held: (() => void)[] = [];
  target.behave((...args) => void held.push(() => answering(200)(...args)));
  const first = ask('/narrow/1');
  await until('the first is under way', () => held.length === 1);
  const others = await Promise.race([
    Promise.all([ask('/narrow/2'), ask('/narrow/3')]).then(() => undefined),
    Promise.any(
      [2, 3].map((name) =>
        ask(`/narrow/${name}`).then((answer) => (answer.status === 503 ? answer : Promise.reject())),
      ),
    ),
  ]);
  assert.equal(JSON.parse(others?.text ?? '{}').code, 'target_busy');
  assert.equal(others?.headers.get('retry-after'), '1');
  assert.equal(held.length, 1);
  held[0]?.();
  assert.equal((await first).status, 200);
  await until('the next comes', () => held.length === 2);
  held[1]?.();
});

test('a target that is restarted under load loses no GET, and gets no charge twice', async (t) => {
  const first = await startRecordingTarget({ owner: t });
  const restarted = await startSallyport({
    owner: t,
    config: `
egress:
  targets:
    a: { url: "${first.url}", allow_private: true, retry_count: 10, retry_delay: 20ms, retry_budget: 1, breaker: { enabled: false } }
  routes: [{ path_prefix: /ext/a, target: a, strip_prefix: /ext/a }]
`,
  });
  const statuses: number[] = [];
  const charged: string[] = [];
  let isOver = false;
  const gets = [1, 2, 3].map(async () => {
    while (!isOver) statuses.push((await fetch(`${restarted.url}/ext/a/x`)).status);
  });
  const posts = [1, 2].map(async (caller) => {
    for (let order = 0; !isOver; order += 1)
      await fetch(`${restarted.url}/ext/a/charges`, { method: 'POST', body: `${caller}-${order}` });
  });
  await until('it is busy', () => statuses.length > 20);
  await first.stop();
  const second = await startRecordingTarget({ owner: t, port: first.port });
  await until('it is busy again', () => second.calls.length > 50);
  isOver = true;
  await Promise.all([...gets, ...posts]);
  for (const { method, body: order } of [...first.calls, ...second.calls]) if (method === 'POST') charged.push(order);
  assert.equal(new Set(charged).size, charged.length);
  assert.ok(charged.length > 10);
  assert.deepEqual(
    statuses.filter((status) => status !== 200),
    [],
  );
});
