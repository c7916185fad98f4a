/** Pods that payments start. Loaded only where they are enabled: the API server's client is heavy to import. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Config } from '../config/config.ts';
import type { PaidPod } from '../core/pod.ts';
import { pause } from '../pause.ts';
import { createPodLife, type PodLife } from '../pods/life.ts';
import type { Rendered } from '../pods/maker.ts';
import { renderPod, renderService } from '../pods/manifest.ts';
import type { PodEvents } from '../pods/pod-events.ts';
import type { PodStore } from '../pods/pod-store.ts';
import { openCluster } from '../stores/kubernetes/cluster.ts';
import { type ProvisionFor, podTermsOf } from './pod-terms.ts';

type PodsConfig = NonNullable<Config['pods']>;

export type PodParts = Readonly<{
  config: Config;
  /** `enabled`. */
  pods: PodsConfig;
  stores: Readonly<{ pods: PodStore }>;
  now: () => number;
  events: PodEvents;
}>;

export type Pods = Pick<PodLife, 'problem' | 'end' | 'start'> &
  Readonly<{
    store: PodStore;
    provisionFor: ProvisionFor;
    close(): Promise<void>;
  }>;

const createRender =
  ({ pod_templates }: Config, { namespace, max_lifetime: longestMs, service }: PodsConfig) =>
  (pod: PaidPod): Rendered | undefined => {
    const template = pod_templates[pod.template];
    if (!template) return undefined;
    const options = { namespace, longestMs };
    return {
      pod: renderPod(template, pod, options),
      ...(service && { service: renderService(template, pod, options) }),
    };
  };

/** Throws where it cannot be known how to reach the API server. It is asked from `start` on. */
export const assemblePods = async ({ config, pods, stores, now, events }: PodParts): Promise<Pods> => {
  const { namespace, kubeconfig } = pods;
  const cluster = await openCluster({
    namespace,
    requestTimeoutMs: pods.request_timeout,
    ...(kubeconfig !== undefined && { kubeconfig }),
  });
  const life = createPodLife({
    settings: {
      namespace,
      wait: pods.wait,
      waitMs: pods.wait_timeout,
      giveBackAfterMs: pods.give_back_after,
      reapEveryMs: pods.reap_interval,
      tell: pods.tell,
    },
    store: stores.pods,
    cluster,
    templates: Object.keys(config.pod_templates),
    render: createRender(config, pods),
    replacesFailed: (name) => config.pod_templates[name]?.spec['restartPolicy'] !== 'Never',
    holder: `${hostname()}-${randomUUID()}`,
    now,
    monotonicNow: () => performance.now(),
    pause,
    events,
  });

  return {
    store: stores.pods,
    problem: life.problem,
    end: life.end,
    start: life.start,

    provisionFor(rule) {
      const terms = podTermsOf(rule, config);
      return terms && life.provision(terms);
    },

    async close() {
      await life.close();
      await cluster.close();
    },
  };
};
