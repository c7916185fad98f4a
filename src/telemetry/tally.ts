import { Counter, type Registry } from 'prom-client';

/**
 * A counter for the hot path: counting is one look-up in a map; labels are put together when somebody asks for the
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
  const counts = new Map<string, { labels: Record<Label, string>; total: number }>();

  new Counter({
    name,
    help,
    labelNames: [...labelNames],
    registers: [registry],
    collect() {
      this.reset();
      for (const { labels, total } of counts.values()) this.inc(labels, total);
    },
  });

  return {
    count(values, by = 1) {
      let key = '';
      for (const label of labelNames) key += `${values[label]}\n`;
      const known = counts.get(key);
      if (known) known.total += by;
      else counts.set(key, { labels: { ...values }, total: by });
    },
  };
};
