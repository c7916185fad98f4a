/** What a reload may change lives in generations: one is built beside the other, and takes its place as a whole. */
import type { Egress } from './assemble/egress.ts';
import type { AssembledProxy } from './assemble/proxy.ts';
import type { Resolver } from './assemble/resolver.ts';
import type { Config } from './config/config.ts';
import type { Gate } from './core/gate.ts';
import type { ReadinessPart } from './http/health.ts';
import type { Peers } from './http/peers.ts';
import type { Listener } from './http/server.ts';
import type { Prepared } from './reload/reloads.ts';

export type Generation = Readonly<{
  config: Config;
  gate: Gate;
  peers: Peers;
  admin: Listener | undefined;
  resolver: Resolver | undefined;
  egress: Egress | undefined;
  proxy: AssembledProxy | undefined;
  readiness: readonly ReadinessPart[];
  /** After so long no call of it begins anything new; what is under way then may still end. */
  lastsMs: number;
  /** Rejects with what must be there and is not. Asked before it takes the place of another. */
  ready(): Promise<void>;
  /** After its last request, or when that takes too long. */
  close(): Promise<void>;
}>;

export type Generations = Readonly<{
  current(): Generation;
  /** These ask the generation of the moment. What they have begun ends by the generation that began it. */
  gate: Gate;
  peers: Peers;
  admin: Listener;
  /** Builds another one; rejects where it cannot be used, and then nothing has changed. */
  prepare(config: Config): Promise<Prepared>;
  close(): Promise<void>;
}>;

/** Longer than any decision may take. */
const RETIRED_FOR_MS = 20_000;
/** A storm of reloads must not fill the memory. */
const MOST_RETIRED = 8;

export const createGenerations = (
  first: Generation,
  build: (config: Config) => Promise<Generation>,
  onError: (error: unknown) => void,
): Generations => {
  let current = first;
  let isClosed = false;
  const retired = new Map<Generation, NodeJS.Timeout>();

  const end = async (generation: Generation): Promise<void> => {
    clearTimeout(retired.get(generation));
    retired.delete(generation);
    await generation.close().catch(onError);
  };

  const retire = (generation: Generation): void => {
    retired.set(generation, setTimeout(end, Math.max(RETIRED_FOR_MS, generation.lastsMs), generation).unref());
    const [oldest] = retired.keys();
    if (oldest && retired.size > MOST_RETIRED) void end(oldest);
  };

  return {
    current: () => current,
    gate: {
      decide: (question, intent, trace) => current.gate.decide(question, intent, trace),
      invite: (question) => current.gate.invite(question),
    },
    peers: {
      of: (socket) => current.peers.of(socket),
      clientIp: (peer, forwardedFor, realIp) => current.peers.clientIp(peer, forwardedFor, realIp),
      get certificateFormat() {
        return current.peers.certificateFormat;
      },
      certificate: (peer, host, header) => current.peers.certificate(peer, host, header),
    },
    admin: (message, response) => current.admin?.(message, response),

    async prepare(config) {
      const next = await build(config);
      try {
        await next.ready();
      } catch (error) {
        await end(next);
        throw error;
      }
      return {
        async commit() {
          if (isClosed) {
            await end(next);
            return;
          }
          retire(current);
          current = next;
        },
        discard: () => end(next),
      };
    },

    async close() {
      isClosed = true;
      await Promise.all([...retired.keys(), current].map(end));
    },
  };
};
