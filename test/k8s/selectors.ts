/** Which pods labels choose, and to which port a port leads. */
import assert from 'node:assert/strict';
import { at, listAt, type Resource } from './manifests.ts';

type Labels = Readonly<Record<string, string>>;

export const labelsAt = (value: unknown, path: string): Labels => {
  const found = at(value, path);
  assert.ok(typeof found === 'object' && found !== null, `${path} has no labels`);
  return found as Labels;
};

export const matches = (selector: Labels, labels: Labels) =>
  Object.keys(selector).length > 0 && Object.entries(selector).every(([name, value]) => labels[name] === value);

export const podsFor = (resources: readonly Resource[], selector: Labels) =>
  resources.filter(
    ({ kind, ...rest }) => kind === 'Deployment' && matches(selector, labelsAt(rest, 'spec.template.metadata.labels')),
  );

const portsOf = (deployment: Resource) =>
  ['containers', 'initContainers']
    .flatMap((which) => listAt(deployment, `spec.template.spec.${which}`))
    .flatMap((container) => listAt(container, 'ports'));

export const one = <T>(list: readonly T[], what: string): T => {
  const [only, ...more] = list;
  assert.ok(only !== undefined && more.length === 0, `${list.length} ${what}`);
  return only;
};

/** The port that a Service's or an Ingress's port leads to. */
export const targetOf = (deployment: Resource, target: unknown) =>
  one(
    portsOf(deployment).filter((port) => at(port, 'name') === target || at(port, 'containerPort') === target),
    `ports ${target} in ${deployment.metadata.name}`,
  );
