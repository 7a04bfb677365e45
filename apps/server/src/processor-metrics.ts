import type { Metrics } from '@tidemark/metrics';
import type { ProcessorObserver, ProcessorView } from '@tidemark/processor';

interface ErrorLog {
  error(facts: object, message: string): void;
}

/** Puts what the processor tells into the engine's metrics, and its failures into the journal. */
export function processorMetrics(metrics: Metrics, logger: ErrorLog): ProcessorObserver {
  const processed = (outcome: string) => metrics.counter('tidemark_processed_events_total', { outcome });
  const stored = processed('stored');
  const quarantined = processed('quarantined');
  const duplicate = processed('duplicate');
  const conflict = metrics.counter('tidemark_conflict_events_total', {});
  const late = metrics.counter('tidemark_late_events_total', {});
  const freshness = metrics.histogram('tidemark_freshness_seconds', {});
  const duration = metrics.histogram('tidemark_processor_range_duration_seconds', { stage: 'all' });
  const lakeDuration = metrics.histogram('tidemark_lake_write_duration_seconds', {});
  const lakeFailures = metrics.counter('tidemark_lake_write_failures_total', {});
  return {
    committed(range) {
      stored.inc(range.stored);
      quarantined.inc(range.quarantined);
      duplicate.inc(range.duplicate);
      conflict.inc(range.conflict);
      late.inc(range.late);
      duration.observe(range.seconds);
      freshness.observe(range.freshnessMs / 1000);
    },
    setAside(counts) {
      for (const { outcome, events } of counts) processed(outcome).inc(events);
    },
    wrote(store, seconds, failed) {
      if (store === 'lake') {
        lakeDuration.observe(seconds);
        if (failed) lakeFailures.inc();
        return;
      }
      metrics.histogram('tidemark_warehouse_write_duration_seconds', { table: store }).observe(seconds);
      if (failed) metrics.counter('tidemark_warehouse_write_failures_total', { table: store }).inc();
    },
    failed(topic, err) {
      metrics.counter('tidemark_processor_failures_total', { stage: topic }).inc();
      logger.error({ err, topic }, 'a range could not be applied; it will be tried again');
    },
  };
}

/** The processor counts lateness itself: an observation an event would cost as much as storing it. */
export function latenessMetrics(metrics: Metrics, processor: Pick<ProcessorView, 'lateness'>): void {
  metrics.countedHistogram('tidemark_event_lateness_seconds', () =>
    [...processor.lateness()].map(([project, { buckets, sumMs }]) => ({ labels: { project }, counts: buckets.map(({ events }) => events), sum: sumMs / 1000 })),
  );
}
