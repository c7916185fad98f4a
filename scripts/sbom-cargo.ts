/**
 * The crates behind rego.wasm, by rego/Cargo.lock. It names those of every platform, and does not say which a build took; ours
 * takes a part of them. Licences are not in it.
 */
import type { Bill, Component } from './sbom-component.ts';

const fieldOf = (block: string, name: string): string | undefined =>
  new RegExp(`^${name} = "([^"]*)"$`, 'm').exec(block)?.[1];

/** Entries of `dependencies` have a version where several of the name are there. */
const namesOf = (block: string): string[] => {
  const [, list = ''] = /^dependencies = \[\n([^\]]*)\]/m.exec(block) ?? [];
  return [...list.matchAll(/"([^" ]+)(?: ([^" ]+))?[^"]*"/g)].map(([, name = '', version]) =>
    version === undefined ? name : `${name} ${version}`,
  );
};

const purlOf = (name: string, version: string): string => `pkg:cargo/${name}@${version}`;

export const billOfCargo = (lock: string, root: string): Bill => {
  const crates = lock
    .split('[[package]]\n')
    .slice(1)
    .map((block) => {
      const [name, version] = [fieldOf(block, 'name'), fieldOf(block, 'version')];
      if (name === undefined || version === undefined) throw new Error(`Cargo.lock: not understood:\n${block}`);
      return { name, version, checksum: fieldOf(block, 'checksum'), needs: namesOf(block) };
    });
  // Without a checksum it is ours, and comes from this repository.
  const published = crates.filter(({ checksum }) => checksum !== undefined);
  const refs = new Map<string, string>();
  for (const { name, version } of published) {
    refs.set(name, purlOf(name, version));
    refs.set(`${name} ${version}`, purlOf(name, version));
  }
  const refsOf = (needs: readonly string[]): string[] =>
    [...new Set(needs.flatMap((need) => refs.get(need) ?? []))].toSorted();
  const components = published.map(({ name, version, checksum = '' }): Component => {
    const purl = purlOf(name, version);
    return {
      type: 'library',
      'bom-ref': purl,
      name,
      version,
      purl,
      hashes: [{ alg: 'SHA-256', content: checksum }],
    };
  });
  const ours = crates.filter(({ checksum }) => checksum === undefined).flatMap(({ needs }) => needs);
  return {
    components,
    dependencies: [
      { ref: root, dependsOn: refsOf(ours) },
      ...published.map(({ name, version, needs }) => ({ ref: purlOf(name, version), dependsOn: refsOf(needs) })),
    ],
  };
};
