/** Request after request, each unlike every other: what is remembered of them does not grow with their number. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startRecordingTarget } from '../peers/recording-target.ts';
import { jwtBlock, userToken } from '../proxy/tokens.ts';
import { type Sallyport, startSallyport } from '../sallyport.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';
import { createWorkdir } from '../servers/workdir.ts';

const owner = { after };
const { path: directory } = createWorkdir('soak', owner);
const hook = join(directory, 'heap.cjs');
writeFileSync(
  hook,
  `const { queryObjects } = require('node:v8');
const { IncomingMessage, OutgoingMessage } = require('node:http');
process.on('SIGUSR2', () => {
  gc();
  setTimeout(() => {
    gc();
    const messages = [IncomingMessage, OutgoingMessage].map((one) => queryObjects(one, { format: 'count' }));
    process.stderr.write(['held', process.memoryUsage().heapUsed, ...messages].join(' ') + '\\n');
  }, 100);
});`,
);
writeFileSync(
  join(directory, 'p.rego'),
  `package p
default allow := false
allow if input.request.path != concat("", ["/no", input.token.sub])
`,
);

const target = await startRecordingTarget({ owner });
target.behave((incoming, response) => void incoming.resume().on('end', () => response.end('ok')), { raw: true });

const start = (config: string): Promise<Sallyport> =>
  startSallyport({
    owner,
    env: { NODE_OPTIONS: `--expose-gc --require ${hook}` },
    config: `${jwtBlock}
logger: { level: fatal }
policy: { path: "${directory}" }
${config}`,
  });

type Held = Readonly<{ heap: number; messages: number }>;

const heldBy = async ({ pid, output }: Sallyport): Promise<Held> => {
  const told = () => [...output().matchAll(/^held (\d+) (\d+) (\d+)$/gm)];
  const before = told().length;
  process.kill(pid, 'SIGUSR2');
  await until('it tells what it holds', () => told().length > before);
  const [, heap, incoming, outgoing] = told().at(-1) ?? assert.fail();
  return { heap: Number(heap), messages: Number(incoming) + Number(outgoing) };
};

const authorization = `Bearer ${await userToken()}`;
const agent = new Agent({ keepAlive: true, maxSockets: 8 });
after(() => agent.destroy());

type Kinds = readonly ((n: number) => readonly [path: string, headers: Readonly<Record<string, string>>])[];

// What is kept on purpose grows to its bounds: counters of callers, and keys that are not there. None of that is asked here.
const doors: readonly (readonly [door: string, config: string, kinds: Kinds])[] = [
  [
    'the gate',
    `
rules:
  - { name: free, match: { path: "/free/**" }, accept: [anonymous] }
  - { name: api, match: { path: "/api/**" }, accept: [api_key, jwt], policy: data.p.allow }
egress:
  targets: { api: { url: "${target.url}", allow_private: true } }
  routes: [{ path_prefix: /ext/api, target: api, strip_prefix: /ext/api }]
`,
    [
      (n) => [
        `/auth/native/free/${n}?q=${n}`,
        { Host: `h${n}.example.com`, [`X-H${n}`]: '1', 'X-Request-ID': `r${n}` },
      ],
      (n) => ['/auth/nginx', { 'X-Original-URL': `https://h${n}.example.com/free/${n}`, 'X-Original-Method': `M${n}` }],
      (n) => [`/auth/native/api/${n}`, { Authorization: authorization }],
      (n) => [`/auth/native/api/${n}`, { Authorization: `${authorization}${n}` }],
      (n) => [`/nothing/${n}`, { Cookie: `c${n}=1` }],
      (n) => [`/ext/api/${n}`, { [`X-H${n}`]: '1' }],
    ],
  ],
  [
    'the reverse proxy',
    `
proxy: { upstream: "${target.url}", authz: { policy_query: data.p.allow }, audit: { file: /dev/null } }
`,
    [
      (n) => [`/${n}`, { Authorization: authorization, [`x_api_key_${n}`]: '1', Connection: `keep-alive, x-${n}` }],
      (n) => [`/${n}`, { Authorization: authorization, Host: `h${n}.example.com`, 'X-Correlation-ID': `r${n}` }],
      (n) => [`/${n}`, { Authorization: `${authorization}${n}` }],
    ],
  ],
];

const ROUND = 500;
/** Of a connection that is kept: the latest request and its answer, of ours and of those whom we ask. */
const MOST_MESSAGES = 100;

for (const [door, config, kinds] of doors)
  test(`${door}: after thousands of requests, each of them new, none is held, and the heap is what it was`, async () => {
    const gate = await start(config);
    let n = 0;
    const caller = async (end: number): Promise<void> => {
      while (n < end) {
        const [path, headers] = kinds[n % kinds.length]?.(n++) ?? assert.fail();
        assert.ok((await request(gate.url, path, { agent, headers })).status < 500);
      }
    };
    const round = async (): Promise<Held> => {
      const end = n + ROUND;
      await Promise.all(Array.from({ length: 8 }, () => caller(end)));
      return heldBy(gate);
    };
    await round();
    const before = await round();
    await round();
    const { heap, messages } = await round();
    assert.ok(messages < MOST_MESSAGES, `${messages} messages`);
    // What the engine makes of code that runs often is about half of that.
    assert.ok(heap - before.heap < 2 * ROUND * 600, `${heap - before.heap} bytes`);
  });
