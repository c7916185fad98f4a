import type { CredentialMemory } from './assemble-credentials.ts';
import type { Egress, EgressParts } from './assemble-egress.ts';
import type { Config } from './config/config.ts';

export type LoadEgress = (config: Config, parts: Omit<EgressParts, 'memory' | 'events'>) => Promise<Egress | undefined>;

/** Nothing of egress is loaded where none is configured: undici alone is 4 MB. What outlives a reload is kept here. */
export const createEgressLoader = (events: () => EgressParts['events']): LoadEgress => {
  let memory: CredentialMemory | undefined;
  return async (config, parts) => {
    if (!config.egress?.enabled) return undefined;
    const { assembleEgress } = await import('./assemble-egress.ts');
    memory ??= (await import('./assemble-credentials.ts')).createCredentialMemory();
    return assembleEgress(config, { ...parts, memory, events: events() });
  };
};
