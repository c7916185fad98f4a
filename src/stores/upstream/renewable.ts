/** A target's connections, made anew when its certificates are: calls under way end on those that they began on. */
import type { Upstream } from '../../egress/upstream.ts';

export type RenewableUpstream<Settings> = Upstream &
  Readonly<{
    /** From now on calls go by these. Throws where nothing can be made of them: the old ones stay in use. */
    renew(settings: Settings): void;
  }>;

/** Throws where nothing can be made of the settings. */
export const createRenewable = <Settings>(
  create: (settings: Settings) => Upstream,
  first: Settings,
): RenewableUpstream<Settings> => {
  let current = create(first);
  const leaving = new Set<Upstream>();

  const retire = (old: Upstream): void => {
    leaving.add(old);
    old.close().then(
      () => leaving.delete(old),
      () => leaving.delete(old),
    );
  };

  return {
    send: (call, receiver) => current.send(call, receiver),
    renew(settings) {
      const next = create(settings);
      retire(current);
      current = next;
    },
    close: async () => void (await Promise.all([...leaving, current].map((upstream) => upstream.close()))),
    destroy: async () => void (await Promise.all([...leaving, current].map((upstream) => upstream.destroy()))),
  };
};
