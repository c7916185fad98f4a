/** The whole service, killed at any moment while it answers, and started again: what it allowed is counted once. */
import assert from 'node:assert/strict';
import { Agent, get } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { type Sallyport, startSallyport } from '../sallyport.ts';
import { until } from '../servers/until.ts';

const LIVES = 30;
const LANES = 16;
const MOST_ANSWERS = 600;

const config = `
usage: { flush_interval: 20ms, batch_size: 50 }
rules: [{ name: api, match: { path: "/**" }, accept: [api_key] }]
`;

/** The status, or nothing where there was no answer. */
const ask = (agent: Agent, gate: Sallyport, key: string, path: string): Promise<number | undefined> =>
  new Promise((resolve) => {
    const headers = { Host: 'a.example.com', Authorization: `Bearer ${key}` };
    get(`${gate.url}/auth/native${path}`, { agent, headers }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode));
      answer.on('error', () => resolve(undefined));
    }).on('error', () => resolve(undefined));
  });

test(`the service is killed ${LIVES} times while it answers: every answered request is counted, and none twice`, async (t) => {
  const agent = new Agent({ keepAlive: true, maxSockets: LANES });
  t.after(() => agent.destroy());
  const answered = new Set<string>();
  let directory: string | undefined;
  let key: string | undefined;
  let number = 0;
  let unanswered = 0;
  const live = async (): Promise<Sallyport> => {
    const gate = await startSallyport({ owner: t, config, ...(directory !== undefined && { directory }) });
    directory ??= gate.directory;
    key ??= (await gate.createKey({ rate_limit_per_minute: null, rate_limit_per_day: null })).key;
    return gate;
  };

  const askNext = async (gate: Sallyport): Promise<void> => {
    number += 1;
    const path = `/r${number}`;
    const status = await ask(agent, gate, key ?? '', path);
    assert.ok(status === 200 || status === undefined, `${status}`);
    if (status === 200) answered.add(path);
    else unanswered += 1;
  };

  for (let life = 0; life < LIVES; life++) {
    const gate = await live();
    // By answers and not by the clock, so that machines of any speed get as far.
    let left = 1 + Math.floor(Math.random() * MOST_ANSWERS);
    const lane = async (): Promise<void> => {
      while (left > 0) {
        await askNext(gate);
        left -= 1;
        if (left === 0) gate.signal('SIGKILL');
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    await gate.exited();
  }

  const gate = await live();
  const metric = async (name: string): Promise<number> => {
    const text = await (await fetch(`${gate.url}/metrics`)).text();
    return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
  };
  await until('the leftovers are adopted', () => gate.log().some(({ event }) => event === 'usage_adopted'));
  await until('all of it is in the store', async () => (await metric('sallyport_usage_waiting')) === 0);
  await gate.stop();

  const database = new DatabaseSync(join(gate.directory, 'sallyport.db-usage'), { readOnly: true });
  t.after(() => database.close());
  const counts = new Map(
    database
      .prepare('SELECT path, COUNT(*) AS count FROM usage_events GROUP BY path')
      .all()
      .map(({ path, count }) => [String(path), Number(count)]),
  );
  t.diagnostic(JSON.stringify({ asked: number, answered: answered.size, unanswered, counted: counts.size }));
  assert.deepEqual(
    [...answered].filter((path) => counts.get(path) !== 1),
    [],
    'answered, and not counted once',
  );
  assert.deepEqual(
    [...counts].filter(([, count]) => count !== 1),
    [],
    'counted twice',
  );
  assert.ok(unanswered > LIVES / 2, 'most were killed in the middle');
  const sums = database.prepare('SELECT SUM(requests) AS sum FROM usage_hourly').get();
  assert.equal(Number(sums?.['sum']), counts.size);
});
