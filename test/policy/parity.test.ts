/**
 * The same policies and inputs get the same answer from regorus, from what opa compiles to WebAssembly, and from opa itself. Where
 * engines differ is written down, engine by engine, and asserted: a difference that ends is noticed as one that begins.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { LoadedPolicy, PolicyEngine } from '../../src/checks/policy-engine.ts';
import { readPolicyFiles } from '../../src/config/policy-files.ts';
import { guardTarget } from '../../src/stores/outbound/target-guard.ts';
import { createOpaServer } from '../../src/stores/policy/opa-server/opa-server.ts';
import { loadOpaWasm } from '../../src/stores/policy/opa-wasm/opa-wasm.ts';
import { loadRegorus } from '../../src/stores/policy/regorus/regorus.ts';
import { compilePolicies } from '../servers/compiled-policy.ts';
import { type PolicyFiles, startOpa, writePolicies } from '../servers/opa.ts';
import { find, needs } from '../servers/programs.ts';
import { createWorkdir } from '../servers/workdir.ts';
import { cases, data, input, type ParityCase } from './parity-cases.ts';
import { differences, refused, unordered } from './parity-differences.ts';

const engineNames = ['opa', 'opa-wasm', 'regorus'] as const;
type EngineName = (typeof engineNames)[number];

const nameOf = (one: ParityCase): string => `c${cases.indexOf(one)}`;
const queryOf = (one: ParityCase): string => `data.${nameOf(one)}.answer`;

const differenceOf = ({ title }: ParityCase, engine: EngineName) =>
  differences.find((difference) => difference.title === title && difference.engine === engine);
const isRefused = (one: ParityCase, engine: EngineName): boolean => differenceOf(one, engine)?.answer === refused;
const takenBy = (engine: EngineName) => cases.filter((one) => !isRefused(one, engine));

const filesOf = (some: readonly ParityCase[]): PolicyFiles => ({
  'data.json': JSON.stringify(data),
  ...Object.fromEntries(
    some.map((one) => [`${nameOf(one)}.rego`, `package ${nameOf(one)}\nimport rego.v1\n\n${one.policy}\n`]),
  ),
});

const { path: directory, remove } = createWorkdir('parity');
after(remove);

const options = (some: readonly ParityCase[]) => ({ queries: some.map(queryOf), timeoutMs: 30_000, now: Date.now });

const loadByRegorus = (folder: string, some: readonly ParityCase[]): LoadedPolicy => {
  const path = join(directory, folder);
  writePolicies(path, filesOf(some));
  const read = readPolicyFiles(path);
  assert.ok('files' in read);
  return loadRegorus({ ...options(some), path, files: read.files });
};

const loadByWasm = (some: readonly ParityCase[]): Promise<LoadedPolicy> => {
  const entrypoints = some.map((one) => `${nameOf(one)}/answer`);
  const { file } = compilePolicies({ after }, { files: filesOf(some), entrypoints });
  return loadOpaWasm({ ...options(some), file });
};

const engineOf = (loaded: LoadedPolicy): PolicyEngine => {
  if ('engine' in loaded) return loaded.engine;
  throw new Error(JSON.stringify(loaded.problems, undefined, 1));
};

const open = async (): Promise<Readonly<Record<EngineName, PolicyEngine>>> => {
  const server = await startOpa({ owner: { after }, files: filesOf(cases) });
  const url = new URL(server.url);
  const opened = {
    opa: createOpaServer({ ...options(cases), url, lookup: guardTarget(url, true) }),
    'opa-wasm': engineOf(await loadByWasm(takenBy('opa-wasm'))),
    regorus: engineOf(loadByRegorus('all', takenBy('regorus'))),
  };
  after(() => Promise.all(Object.values(opened).map((engine) => engine.close())));
  return opened;
};

const engines = find('opa') === undefined ? undefined : await open();

/** Of failures it does not matter how they are put. */
const ask = async (engine: EngineName, one: ParityCase): Promise<unknown> => {
  assert.ok(engines);
  if (isRefused(one, engine)) return refused;
  const answer = await engines[engine].evaluate(queryOf(one), JSON.stringify(input));
  if (answer.outcome !== 'value') return answer.outcome;
  return unordered.includes(one.title) && Array.isArray(answer.value)
    ? answer.value.map((entry) => JSON.stringify(entry)).sort()
    : answer.value;
};

for (const one of cases) {
  const different = engineNames.filter((engine) => differenceOf(one, engine));
  const title =
    different.length === 0 ? 'one answer from all engines' : `${different.join(' and ')} differs, as is known`;
  test(`${one.title}: ${title}`, needs('opa'), async () => {
    const expected = await ask('opa', one);
    const found: unknown[] = [];
    const wanted: unknown[] = [];
    for (const engine of engineNames) {
      const known = differenceOf(one, engine);
      found.push([engine, await ask(engine, one)]);
      wanted.push([engine, known ? known.answer : expected]);
      if (known) assert.notDeepEqual(known.answer, expected, `${engine} does not differ any more`);
    }
    assert.deepEqual(found, wanted);
  });
}

for (const one of cases) {
  if (isRefused(one, 'regorus')) {
    test(`${one.title}: regorus refuses it when it is loaded`, async () => {
      assert.ok('problems' in loadByRegorus(nameOf(one), [one]));
    });
  }
}

test('what opa compiles is refused with the names of the builtins that it lacks', needs('opa'), async () => {
  const lacking = cases.filter((one) => isRefused(one, 'opa-wasm'));
  const loaded = await loadByWasm(lacking);
  const names = lacking.map(({ title }) => title).sort();
  assert.deepEqual('problems' in loaded && loaded.problems.map(({ message }) => message), [
    `needs builtins that are not there in WebAssembly: ${names.join(', ')}`,
  ]);
});

test('every difference is one of a case', () => {
  const titles = cases.map(({ title }) => title);
  assert.equal(new Set(titles).size, titles.length, 'titles are told apart');
  assert.deepEqual(
    differences.filter(({ title }) => !titles.includes(title)),
    [],
  );
});
