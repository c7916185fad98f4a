import { Counter, type Registry } from 'prom-client';

/** The counts, as a tree of label values: to look up a value costs less than to make one key of all of them. */
class Branch<Label extends string> {
  readonly #below = new Map<string, Branch<Label>>();
  labels: Readonly<Record<Label, string>> | undefined;
  total = 0;

  below(value: string): Branch<Label> {
    const known = this.#below.get(value);
    if (known) return known;
    const branch = new Branch<Label>();
    this.#below.set(value, branch);
    return branch;
  }

  *counted(): Generator<Readonly<{ labels: Record<Label, string>; total: number }>> {
    if (this.labels) yield { labels: this.labels, total: this.total };
    for (const branch of this.#below.values()) yield* branch.counted();
  }
}

/**
 * A counter for the hot path: counting is a look-up for each label; labels are put together when somebody asks for the
 * metrics. The number of label sets is bounded by the caller, who passes nothing that a request can choose.
 */
export type Tally<Label extends string> = Readonly<{
  count(values: Readonly<Record<Label, string>>, by?: number): void;
}>;

export const createTally = <Label extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly Label[],
): Tally<Label> => {
  const root = new Branch<Label>();

  new Counter({
    name,
    help,
    labelNames: [...labelNames],
    registers: [registry],
    collect() {
      this.reset();
      for (const { labels, total } of root.counted()) this.inc(labels, total);
    },
  });

  return {
    count(values, by = 1) {
      let branch = root;
      for (const label of labelNames) branch = branch.below(values[label]);
      branch.labels ??= { ...values };
      branch.total += by;
    },
  };
};
