import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Metric } from 'prom-client';
import { CountedHistogram, type Counted } from './counted-histogram.ts';
import { CATALOGUE } from './catalogue.ts';
import type { Labels, MetricName, MetricsOfType } from './catalogue.ts';

/**
 * The metrics of one process. Ask for a child once (metric and labels) and keep it: the hot path then only adds.
 * Only names of the catalogue exist, and their labels are checked by the compiler.
 */
export interface Metrics {
  counter<N extends MetricsOfType<'counter'>>(name: N, labels: Labels<N>): { inc(by?: number): void };
  gauge<N extends MetricsOfType<'gauge'>>(name: N, labels: Labels<N>): { set(value: number): void };
  /** Values are seconds, as the name says. */
  histogram<N extends MetricsOfType<'histogram'>>(name: N, labels: Labels<N>): { observe(seconds: number): void };
  /** A histogram that somebody else counts, such as one with millions of values a minute; `read` is called at each scrape. */
  countedHistogram<N extends MetricsOfType<'histogram'>>(name: N, read: () => Iterable<Counted<Labels<N>>>): void;
  /** Called before each scrape, to set gauges that nobody keeps. One that fails is counted out, not fatal. */
  beforeScrape(fill: () => void | Promise<void>): void;
  /** Prometheus text exposition, version 0.0.4. */
  text(): Promise<string>;
  /** Value for the Content-Type of `text()`. */
  readonly contentType: string;
}

export interface MetricsOptions {
  /** Stands as label `role` on every metric, so that two processes can be shown as one. */
  role: 'collector' | 'engine' | 'server';
  /** Also memory, event loop and garbage collector of this process. */
  withProcess?: boolean;
  /** Told when a `beforeScrape` function fails. */
  onError?: (error: unknown) => void;
}

export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ role: options.role });
  if (options.withProcess === true) collectDefaultMetrics({ register: registry, prefix: 'tidemark_' });
  const fills: (() => void | Promise<void>)[] = [];

  // A metric is registered when first asked for: a process shows only what it can fill.
  function metric(name: MetricName): Counter | Gauge | Histogram {
    const known = registry.getSingleMetric(name);
    if (known !== undefined) return known as Counter | Gauge | Histogram;
    const definition = CATALOGUE[name];
    const common = { name, help: definition.help, labelNames: [...definition.labels], registers: [registry] };
    if (definition.type === 'counter') return new Counter(common);
    if (definition.type === 'gauge') return new Gauge(common);
    return new Histogram({ ...common, buckets: [...definition.buckets] });
  }

  return {
    counter: (name, labels) => (metric(name) as Counter).labels(labels),
    gauge: (name, labels) => (metric(name) as Gauge).labels(labels),
    histogram: (name, labels) => (metric(name) as Histogram).labels(labels),
    countedHistogram(name, read) {
      const { help, buckets } = CATALOGUE[name];
      registry.registerMetric(new CountedHistogram(name, help, buckets, read) as unknown as Metric);
    },
    beforeScrape: (fill) => void fills.push(fill),
    async text() {
      for (const filled of await Promise.allSettled(fills.map(async (fill) => fill()))) {
        if (filled.status === 'rejected') options.onError?.(filled.reason);
      }
      return registry.metrics();
    },
    contentType: Registry.PROMETHEUS_CONTENT_TYPE,
  };
}
