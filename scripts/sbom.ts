/**
 * npm run --silent sbom > sallyport.cdx.json
 *
 * The bill of materials of what is shipped, in CycloneDX 1.6: npm packages without dev and optional ones, and the crates behind
 * rego.wasm. It comes from the lock files alone, so that the same commit has the same bill, byte for byte, on every machine.
 */
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { billOfCargo } from './sbom-cargo.ts';
import type { Component } from './sbom-component.ts';
import { billOfNpm } from './sbom-npm.ts';

const root = join(import.meta.dirname, '..');
const REGO = 'src/stores/policy/regorus/rego.wasm';

const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');

/** A name-based UUID (RFC 9562, version 8) of the content. */
const uuidOf = (content: string): string => {
  const hex = hash('sha256', content);
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 3) | 8).toString(16);
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `${variant}${hex.slice(17, 20)}`];
  return [...parts, hex.slice(20, 32)].join('-');
};

export const billOfMaterials = () => {
  const { name, version, license, description } = JSON.parse(textOf('package.json'));
  const ref = `pkg:npm/${name}@${version}`;
  const wasm = `${ref}#${REGO}`;
  const [npm, cargo] = [billOfNpm(textOf('package-lock.json'), ref), billOfCargo(textOf('rego/Cargo.lock'), wasm)];
  const own = { name, version, licenses: [{ license: { id: license } }] };
  const rego: Component = {
    type: 'library',
    'bom-ref': wasm,
    ...own,
    name: 'rego.wasm',
    purl: wasm,
    hashes: [{ alg: 'SHA-256', content: hash('sha256', readFileSync(join(root, REGO))) }],
  };
  const content = {
    metadata: { component: { type: 'application', 'bom-ref': ref, ...own, purl: ref, description } },
    components: [rego, ...npm.components, ...cargo.components].toSorted((a, b) => (a.purl < b.purl ? -1 : 1)),
    dependencies: [...npm.dependencies, ...cargo.dependencies].map((dependency) =>
      dependency.ref === ref ? { ref, dependsOn: [...dependency.dependsOn, wasm] } : dependency,
    ),
  };
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(JSON.stringify(content))}`,
    version: 1,
    ...content,
  };
};

if (import.meta.main) console.log(JSON.stringify(billOfMaterials(), undefined, 2));
