import type { Config } from '../config/config.ts';
import type { Egress, EgressParts } from './egress.ts';

export type LoadEgress = (config: Config, parts: Omit<EgressParts, 'memory' | 'events'>) => Promise<Egress | undefined>;

/** Nothing of egress is loaded where none is configured: undici alone is 4 MB. What outlives a reload is kept here. */
export const createEgressLoader = (events: () => EgressParts['events']): LoadEgress => {
  let memory: EgressParts['memory'] | undefined;
  return async (config, parts) => {
    if (!config.egress?.enabled) return undefined;
    const { assembleEgress } = await import('./egress.ts');
    const [{ createCredentialMemory }, { createTargetMemory }] = await Promise.all([
      import('./credentials.ts'),
      import('./target-memory.ts'),
    ]);
    memory ??= { ...createCredentialMemory(), targets: createTargetMemory() };
    return assembleEgress(config, { ...parts, memory, events: events() });
  };
};
