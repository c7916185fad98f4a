/** What a bill of materials says of a package: CycloneDX 1.6 (ECMA-424), as far as lock files know it. */

type License = Readonly<{ license: Readonly<{ id: string }> }> | Readonly<{ expression: string }>;

export type Component = Readonly<{
  type: 'library';
  /** The package URL, which is unique among the components. */
  'bom-ref': string;
  group?: string;
  name: string;
  version: string;
  purl: string;
  /** In hex, as CycloneDX has it. */
  hashes: readonly Readonly<{ alg: 'SHA-256' | 'SHA-512'; content: string }>[];
  licenses?: readonly License[];
}>;

export type Dependency = Readonly<{ ref: string; dependsOn: readonly string[] }>;

export type Bill = Readonly<{ components: readonly Component[]; dependencies: readonly Dependency[] }>;

/** Some lists know ids alone, some expressions (SPDX): which of them it is shows by its words. */
export const licensesOf = (license: string): readonly License[] =>
  / (?:OR|AND|WITH) /.test(license) ? [{ expression: license }] : [{ license: { id: license } }];
