/** One series of a histogram, as whoever counts it has it. */
export interface Counted<Labels> {
  labels: Labels;
  /** Values by bucket, not cumulative; one more than there are bounds, the last for what is above them all. */
  counts: readonly number[];
  sum: number;
}

interface Sample {
  metricName: string;
  labels: Record<string, string | number>;
  value: number;
}

/** What prom-client asks of a metric in its registry, for a histogram that is counted elsewhere. */
export class CountedHistogram<Labels extends Record<string, string>> {
  readonly name: string;
  readonly #help: string;
  readonly #bounds: readonly number[];
  readonly #read: () => Iterable<Counted<Labels>>;

  constructor(name: string, help: string, bounds: readonly number[], read: () => Iterable<Counted<Labels>>) {
    this.name = name;
    this.#help = help;
    this.#bounds = bounds;
    this.#read = read;
  }

  async get(): Promise<{ name: string; help: string; type: 'histogram'; aggregator: 'sum'; values: Sample[] }> {
    const values = [...this.#read()].flatMap((series) => this.#samples(series));
    return { name: this.name, help: this.#help, type: 'histogram', aggregator: 'sum', values };
  }

  /** Buckets are cumulative in the exposition, and the last one is `+Inf`. */
  #samples({ labels, counts, sum }: Counted<Labels>): Sample[] {
    if (counts.length !== this.#bounds.length + 1) throw new Error(`${this.name} has ${this.#bounds.length} bounds, not ${counts.length - 1}`);
    let events = 0;
    const buckets = counts.map((count, index) => {
      events += count;
      return { metricName: `${this.name}_bucket`, labels: { le: this.#bounds[index] ?? '+Inf', ...labels }, value: events };
    });
    return [...buckets, { metricName: `${this.name}_sum`, labels, value: sum }, { metricName: `${this.name}_count`, labels, value: events }];
  }
}
