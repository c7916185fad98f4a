/** What a template leaves out is as Kubernetes' `restricted` profile wants it; what it says stays. */
import { isList, isObject, type Json, type JsonObject } from '../core/pod-template.ts';

const objectAt = (parent: JsonObject, key: string): JsonObject => {
  const value = parent[key];
  return isObject(value) ? value : {};
};

const textsAt = (parent: JsonObject, key: string): readonly Json[] => {
  const value = parent[key];
  return value !== undefined && isList(value) ? value : [];
};

/** The API server takes no `allowPrivilegeEscalation: false` beside these. */
const isPrivileged = (context: JsonObject): boolean =>
  context['privileged'] === true || textsAt(objectAt(context, 'capabilities'), 'add').includes('CAP_SYS_ADMIN');

const hardenContainer = (container: Json): Json => {
  if (!isObject(container)) return container;
  const context = objectAt(container, 'securityContext');
  const securityContext = {
    ...(!isPrivileged(context) && { allowPrivilegeEscalation: false }),
    // A template that was allowed to run as root would not start otherwise.
    ...(context['runAsUser'] === 0 && { runAsNonRoot: false }),
    ...context,
    capabilities: { drop: ['ALL'], ...objectAt(context, 'capabilities') },
  };
  return { ...container, securityContext };
};

export const harden = (spec: JsonObject): JsonObject => {
  const context = objectAt(spec, 'securityContext');
  const securityContext = {
    ...(context['runAsUser'] !== 0 && { runAsNonRoot: true }),
    seccompProfile: { type: 'RuntimeDefault' },
    ...context,
  };
  const containers = (['initContainers', 'containers'] as const).flatMap((key) =>
    spec[key] === undefined ? [] : [[key, textsAt(spec, key).map(hardenContainer)] as const],
  );
  return {
    automountServiceAccountToken: false,
    // Variables that name every Service of the namespace, which are those of other payers.
    enableServiceLinks: false,
    ...spec,
    securityContext,
    ...Object.fromEntries(containers),
  };
};
