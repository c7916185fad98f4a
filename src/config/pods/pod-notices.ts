/** What pods do otherwise than a reader of the configuration might think. */
import type { Config } from '../config.ts';
import { expand } from './expand.ts';

const containers = ['initContainers[]', 'containers[]'];

const secretPlaces = [
  'volumes[].secret.secretName',
  'volumes[].projected.sources[].secret.name',
  ...containers.flatMap((list) => [`${list}.env[].valueFrom.secretKeyRef.name`, `${list}.envFrom[].secretRef.name`]),
];

const secretsIn = (spec: unknown): string[] => [
  ...new Set(
    secretPlaces.flatMap((where) =>
      expand(spec, where).flatMap(({ value }) => (typeof value === 'string' ? [value] : [])),
    ),
  ),
];

export const podNotices = ({ pods, pod_templates, rules }: Config): string[] => {
  const starting = rules.filter(({ provision }) => provision !== undefined);
  if (!pods) return [];
  if (!pods.enabled) return starting.map(({ name }) => `the rule ${name} starts no pods: pods.enabled is false`);
  return [
    ...(starting.length > 0 ? [] : ['pods is on, but no rule starts one']),
    ...Object.values(pod_templates).flatMap(({ name, spec }) =>
      secretsIn(spec).map((secret) => `whoever pays for a pod of the template ${name} may read the Secret ${secret}`),
    ),
  ];
};
