/** The packages that an installation without dev and optional dependencies has, by package-lock.json. */
import { type Bill, type Component, type Dependency, licensesOf } from './sbom-component.ts';

type Locked = Readonly<{
  name?: string;
  version: string;
  integrity?: string;
  license?: string;
  dev?: boolean;
  optional?: boolean;
  devOptional?: boolean;
  dependencies?: Readonly<Record<string, string>>;
}>;

type Packages = ReadonlyMap<string, Locked>;

const folder = 'node_modules/';

const nameOf = (path: string): string => path.slice(path.lastIndexOf(folder) + folder.length);

const purlOf = (name: string, version: string): string => `pkg:npm/${name.replace('@', '%40')}@${version}`;

/** `sha512-…`, the form of Subresource Integrity; npm writes no other any more. */
const hashesOf = (path: string, integrity: string | undefined): Component['hashes'] => {
  const [, base64] = /^sha512-(\S+)$/.exec(integrity ?? '') ?? [];
  if (base64 === undefined) throw new Error(`package-lock.json: ${path} has no SHA-512`);
  return [{ alg: 'SHA-512', content: Buffer.from(base64, 'base64').toString('hex') }];
};

const componentOf = (path: string, { version, integrity, license }: Locked): Component => {
  const [scope, rest] = nameOf(path).split('/');
  const purl = purlOf(nameOf(path), version);
  return {
    type: 'library',
    'bom-ref': purl,
    ...(rest === undefined ? {} : { group: scope }),
    name: rest ?? scope ?? '',
    version,
    purl,
    hashes: hashesOf(path, integrity),
    ...(license === undefined ? {} : { licenses: licensesOf(license) }),
  };
};

/** Where Node finds a dependency: beside the package's own, or else further out. */
const found = (packages: Packages, from: string, name: string): string | undefined => {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf(`/${folder}`)))) {
    const path = at === '' ? `${folder}${name}` : `${at}/${folder}${name}`;
    if (packages.has(path)) return path;
    if (at === '') return undefined;
  }
};

const shipped = (lock: string): Packages => {
  const all: Record<string, Locked> = JSON.parse(lock).packages;
  return new Map(Object.entries(all).filter(([, { dev, optional, devOptional }]) => !(dev || optional || devOptional)));
};

const dependenciesOf = (packages: Packages, path: string, { dependencies = {} }: Locked): string[] =>
  Object.keys(dependencies).map((name) => {
    const place = found(packages, path, name);
    const dependency = place === undefined ? undefined : packages.get(place);
    if (!dependency) throw new Error(`package-lock.json: ${path || 'the project'} needs ${name}, which is not there`);
    return purlOf(name, dependency.version);
  });

export const billOfNpm = (lock: string, root: string): Bill => {
  const packages = shipped(lock);
  // One version may lie in several places.
  const components = new Map<string, Component>();
  const dependencies = new Map<string, Set<string>>();
  for (const [path, locked] of packages) {
    const component = path === '' ? undefined : componentOf(path, locked);
    const ref = component?.['bom-ref'] ?? root;
    if (component) components.set(ref, component);
    const known = dependencies.get(ref) ?? [];
    dependencies.set(ref, new Set([...known, ...dependenciesOf(packages, path, locked)]));
  }
  const listed = [...dependencies].map(([ref, on]): Dependency => ({ ref, dependsOn: [...on].toSorted() }));
  return { components: [...components.values()], dependencies: listed };
};
