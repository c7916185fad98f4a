import { Histogram, type Registry } from 'prom-client';

/** What is measured of one label value. `perBucket` has a count for each bound, and a last one for what is beyond them all. */
type Series = { readonly perBucket: number[]; sumSeconds: number };

type Description = Readonly<{
  name: string;
  help: string;
  label: string;
  /** Upper bounds of the buckets in seconds, ascending. */
  bounds: readonly number[];
}>;

/**
 * A histogram for the hot path, by one label: counting is a look-up and an addition, and samples are put together when
 * somebody asks for the metrics. prom-client's own way costs as much as the decision that is measured.
 */
export class Durations extends Histogram {
  readonly #description: Description;
  readonly #series = new Map<string, Series>();

  constructor(registry: Registry, description: Description) {
    super({ name: description.name, help: description.help, registers: [registry] });
    this.#description = description;
  }

  count(labelValue: string, seconds: number): void {
    const { bounds } = this.#description;
    const series = this.#series.get(labelValue) ?? this.#begin(labelValue);
    let bucket = 0;
    while (seconds > (bounds[bucket] ?? Number.POSITIVE_INFINITY)) bucket++;
    series.perBucket[bucket] = (series.perBucket[bucket] ?? 0) + 1;
    series.sumSeconds += seconds;
  }

  #begin(labelValue: string): Series {
    const series = { perBucket: Array.from({ length: this.#description.bounds.length + 1 }, () => 0), sumSeconds: 0 };
    this.#series.set(labelValue, series);
    return series;
  }

  /** Where prom-client takes the samples from, for text and for the primary of several workers. */
  getForPromString() {
    const { name, help } = this.#description;
    const values = [...this.#series].flatMap(([labelValue, series]) => this.#samples(labelValue, series));
    return Promise.resolve({ name, help, type: 'histogram', aggregator: 'sum', values });
  }

  #samples(labelValue: string, { perBucket, sumSeconds }: Series) {
    const { name, label, bounds } = this.#description;
    const sharedLabels = { [label]: labelValue };
    const sample = (suffix: string, value: number, labels = {}) => ({
      metricName: `${name}_${suffix}`,
      labels,
      sharedLabels,
      value,
    });
    let total = 0;
    const buckets = perBucket.map((count, index) => {
      total += count;
      return sample('bucket', total, { le: bounds[index] ?? '+Inf' });
    });
    return [...buckets, sample('sum', sumSeconds), sample('count', total)];
  }
}
