import type { Config } from '../config/config.ts';
import type { CredentialMemory } from './credentials.ts';
import type { Egress, EgressParts } from './egress.ts';

export type LoadEgress = (config: Config, parts: Omit<EgressParts, 'memory' | 'events'>) => Promise<Egress | undefined>;

/** Nothing of egress is loaded where none is configured: undici alone is 4 MB. What outlives a reload is kept here. */
export const createEgressLoader = (events: () => EgressParts['events']): LoadEgress => {
  let memory: CredentialMemory | undefined;
  return async (config, parts) => {
    if (!config.egress?.enabled) return undefined;
    const { assembleEgress } = await import('./egress.ts');
    memory ??= (await import('./credentials.ts')).createCredentialMemory();
    return assembleEgress(config, { ...parts, memory, events: events() });
  };
};
