import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startSallyport } from '../sallyport.ts';
import { request } from '../servers/request.ts';

const gate = await startSallyport({
  owner: { after },
  config: `
rules:
  - { name: free, match: { path: "/free/**" }, accept: [anonymous] }
  - { name: api, match: { path: "/api/**" }, accept: [api_key] }
`,
});

type Sample = Readonly<{ name: string; labels: Readonly<Record<string, string>>; value: number }>;
type Family = Readonly<{ type: string; samples: Sample[] }>;

const unescaped = (text: string): string => text.replace(/\\(.)/g, (_, letter) => (letter === 'n' ? '\n' : letter));

const labelsIn = (text: string): Record<string, string> => {
  const labels: Record<string, string> = {};
  let rest = text;
  while (rest !== '') {
    const [whole, name = '', value = ''] =
      /^([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/.exec(rest) ?? assert.fail(rest);
    assert.ok(!(name in labels), `${name} is there twice`);
    labels[name] = unescaped(value);
    rest = rest.slice(whole.length);
  }
  return labels;
};

/** As Go's ParseFloat reads it, which minds no case. */
const numberIn = (text: string): number => {
  if (/^[+-]?(inf|nan)$/i.test(text)) return Number(text.replace(/inf/i, 'Infinity'));
  assert.match(text, /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/);
  return Number(text);
};

const suffixes: Readonly<Record<string, readonly string[]>> = {
  counter: [''],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
};

/** The text format 0.0.4, with nothing forgiven: families in one piece, with help and type, without a sample twice. */
const parse = (text: string): Map<string, Family> => {
  assert.ok(text.endsWith('\n'));
  const families = new Map<string, Family>();
  const seen = new Set<string>();
  let current: { name: string; family: Family } | undefined;
  let helped = '';
  for (const line of text.slice(0, -1).split('\n')) {
    const [, keyword, name = '', rest = ''] = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.*)$/.exec(line) ?? [];
    if (keyword === 'HELP') {
      helped = name;
    } else if (keyword === 'TYPE') {
      assert.equal(name, helped, `${name} has its help`);
      assert.ok(!families.has(name) && rest in suffixes, line);
      current = { name, family: { type: rest, samples: [] } };
      families.set(name, current.family);
    } else if (line !== '') {
      const [, sample = '', labels = '', value = ''] =
        /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? assert.fail(line);
      const {
        name: family,
        family: { type, samples },
      } = current ?? assert.fail(line);
      assert.ok(
        suffixes[type]?.some((suffix) => sample === family + suffix),
        line,
      );
      const id = `${sample}{${labels}}`;
      assert.ok(!seen.has(id), `${id} is there twice`);
      seen.add(id);
      samples.push({ name: sample, labels: labelsIn(labels), value: numberIn(value) });
    }
  }
  return families;
};

const scrape = async () => {
  const { status, headers, body } = await request(gate.url, '/metrics');
  assert.equal(status, 200);
  assert.match(headers['content-type'] ?? '', /^text\/plain; version=0\.0\.4; charset=utf-8$/);
  return parse(body);
};

const seriesOf = (families: Map<string, Family>): Set<string> =>
  new Set(
    [...families.values()].flatMap(({ samples }) =>
      samples.map(({ name, labels }) => `${name} ${JSON.stringify(labels)}`),
    ),
  );

const decisions = (families: Map<string, Family>, outcome: string): number =>
  (families.get('sallyport_decisions_total')?.samples ?? [])
    .filter(({ labels }) => labels['outcome'] === outcome)
    .reduce((sum, { value }) => sum + value, 0);

const odd = (n: number): Promise<unknown>[] => {
  const junk = `${n}"\\x{},=`;
  const headers = { 'X-API-Key': `sk-${n}`, 'User-Agent': junk, 'X-Request-ID': `id-${n}` };
  return [
    request(gate.url, `/auth/native/api/${n}`, { headers }),
    request(gate.url, `/auth/native/free/${n}`, { headers: { Host: `h${n}.example.com` } }),
    request(gate.url, `/auth/${'abcdefghij'[n % 10]}${n}`, { headers }),
    request(gate.url, `/auth/nginx?rule=r${n}`, {
      headers: { 'X-Original-URL': `https://h${n}/x`, 'X-Original-Method': `M${n}` },
    }),
    request(gate.url, '/auth/traefik', {
      headers: { 'X-Forwarded-Uri': `/${n}`, 'X-Forwarded-Method': 'GET', 'X-Forwarded-Host': `h${n}` },
    }),
    request(gate.url, `/auth/envoy/rule/r${n}/x`),
    request(gate.url, `/nothing/${n}`),
    request(gate.url, `/auth/native/x/../${n}`, { method: 'PURGE' }),
    request(gate.url, `/auth/native/${n}`, {
      headers: { Authorization: `Bearer a.b.${n}`, 'X-Forwarded-For': `203.0.113.${n % 256}` },
    }),
  ];
};

test('metrics are in the text format, to the letter, and count what happened', async () => {
  await request(gate.url, '/auth/native/free/x');
  await request(gate.url, '/auth/native/api/x');
  const families = await scrape();
  assert.equal(families.get('sallyport_decisions_total')?.type, 'counter');
  assert.equal(decisions(families, 'allow'), 1);
  assert.equal(decisions(families, 'credential_required'), 1);
  const { type, samples = [] } = families.get('sallyport_decision_duration_seconds') ?? {};
  assert.equal(type, 'histogram');
  const buckets = samples.filter(({ name }) => name.endsWith('_bucket'));
  assert.equal(buckets.at(-1)?.labels['le'], '+Inf');
  assert.ok(
    buckets.every(({ value }, index) => index === 0 || value >= (buckets[index - 1]?.value ?? 0)),
    'buckets add up',
  );
  assert.equal(samples.find(({ name }) => name.endsWith('_count'))?.value, 2);
  assert.ok(families.has('process_resident_memory_bytes') && families.has('nodejs_eventloop_lag_seconds'));
});

test('a flood of odd requests makes no new series, and all of it is counted', async () => {
  await Promise.all(Array.from({ length: 20 }, (_, n) => odd(n)).flat());
  const before = await scrape();
  for (let wave = 1; wave <= 10; wave++)
    await Promise.all(Array.from({ length: 20 }, (_, n) => odd(wave * 100 + n)).flat());
  const families = await scrape();
  const known = seriesOf(before);
  const isOwn = (series: string) => series.startsWith('sallyport') && !series.includes('too_many_failures');
  assert.deepEqual(
    [...seriesOf(families)].filter((series) => isOwn(series) && !known.has(series)),
    [],
  );
  const total = (all: Map<string, Family>) =>
    (all.get('sallyport_decisions_total')?.samples ?? []).reduce((sum, { value }) => sum + value, 0);
  assert.equal(total(families) - total(before), 10 * 20 * 8);
});

test('invented keys are looked up a bounded number of times', async () => {
  const families = await scrape();
  const misses = families
    .get('sallyport_cache_lookups_total')
    ?.samples.find(({ labels }) => labels['cache'] === 'api_key' && labels['result'] === 'miss');
  assert.equal(misses?.value ?? 0, 0, 'their checksum is wrong');
});
