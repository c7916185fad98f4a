/**
 * The fields of Kubernetes 1.36 where one that nobody here has heard of may be a danger. What is not among them is refused
 * by name, and so are slips.
 */
import type { Finding } from '../finding.ts';
import { nearest } from '../nearest.ts';
import { isMapping } from '../schema/forms.ts';
import { expand } from './expand.ts';

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

const ofContainer = words(`
  args command env envFrom image imagePullPolicy lifecycle livenessProbe name ports readinessProbe resizePolicy resources
  restartPolicy restartPolicyRules securityContext startupProbe stdin stdinOnce terminationMessagePath
  terminationMessagePolicy tty volumeDevices volumeMounts workingDir`);

const ofContainerSecurity = words(`
  allowPrivilegeEscalation appArmorProfile capabilities privileged procMount readOnlyRootFilesystem runAsGroup runAsNonRoot
  runAsUser seLinuxOptions seccompProfile windowsOptions`);

const levels: readonly (readonly [where: string, fields: readonly string[]])[] = [
  [
    '',
    words(`
      activeDeadlineSeconds affinity automountServiceAccountToken containers dnsConfig dnsPolicy enableServiceLinks ephemeralContainers hostAliases
      hostIPC hostNetwork hostPID hostUsers hostname hostnameOverride imagePullSecrets initContainers nodeName nodeSelector os
      overhead preemptionPolicy priority priorityClassName readinessGates resourceClaims resources restartPolicy
      runtimeClassName schedulerName schedulingGates securityContext serviceAccount serviceAccountName setHostnameAsFQDN
      shareProcessNamespace subdomain terminationGracePeriodSeconds tolerations topologySpreadConstraints volumes`),
  ],
  [
    'securityContext',
    words(`
      appArmorProfile fsGroup fsGroupChangePolicy runAsGroup runAsNonRoot runAsUser seLinuxChangePolicy seLinuxOptions
      seccompProfile supplementalGroups supplementalGroupsPolicy sysctls windowsOptions`),
  ],
  [
    'volumes[]',
    words(`
      awsElasticBlockStore azureDisk azureFile cephfs cinder configMap csi downwardAPI emptyDir ephemeral fc flexVolume flocker
      gcePersistentDisk gitRepo glusterfs hostPath image iscsi name nfs persistentVolumeClaim photonPersistentDisk
      portworxVolume projected quobyte rbd scaleIO secret storageos vsphereVolume`),
  ],
  ...['initContainers[]', 'containers[]'].flatMap((list) => [
    [list, ofContainer] as const,
    [`${list}.resources`, words('claims limits requests')] as const,
    [`${list}.securityContext`, ofContainerSecurity] as const,
    [`${list}.securityContext.capabilities`, words('add drop')] as const,
  ]),
];

/** By their places in the `spec`. */
export const unknownFieldsIn = (spec: unknown): Finding[] =>
  levels.flatMap(([where, known]) =>
    (where === '' ? [{ path: [], value: spec }] : expand(spec, where)).flatMap(({ path, value }) =>
      Object.keys(isMapping(value) ? value : {})
        .filter((key) => !known.includes(key))
        .map((key): Finding => {
          const meant = nearest(key, known);
          const finding = { path: [...path, key], atKey: true, message: 'a field that is not known here' };
          return meant === undefined ? finding : { ...finding, hint: `did you mean "${meant}"?` };
        }),
    ),
  );
