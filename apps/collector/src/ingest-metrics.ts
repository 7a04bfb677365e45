import type { Metrics } from '@tidemark/metrics';
import type { Admission } from '@tidemark/pipeline';

type Counter = { inc(by?: number): void };

/** What ingest counts. Children are made once and kept, so that the hot path only adds. */
export class IngestMetrics {
  readonly #metrics: Metrics;
  readonly #byStatus = new Map<number, Counter>();
  readonly #byFault = new Map<string, Counter>();
  readonly #byResult: Record<'accepted' | 'quarantined' | 'filtered' | 'rejected', Counter>;
  readonly #bytes: Counter;
  readonly #duration: { observe(seconds: number): void };
  readonly #append: { observe(seconds: number): void };
  readonly #appendFailures: Counter;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    const events = (result: string) => metrics.counter('tidemark_ingest_events_total', { result });
    this.#byResult = {
      accepted: events('accepted'),
      quarantined: events('quarantined'),
      filtered: events('filtered'),
      rejected: events('rejected'),
    };
    this.#bytes = metrics.counter('tidemark_ingest_bytes_total', {});
    this.#duration = metrics.histogram('tidemark_ingest_duration_seconds', {});
    this.#append = metrics.histogram('tidemark_log_append_duration_seconds', {});
    this.#appendFailures = metrics.counter('tidemark_log_append_failures_total', {});
  }

  answered(status: number, startedAtMs: number): void {
    let counter = this.#byStatus.get(status);
    if (counter === undefined) {
      counter = this.#metrics.counter('tidemark_ingest_requests_total', { status: String(status) });
      this.#byStatus.set(status, counter);
    }
    counter.inc();
    this.#duration.observe((performance.now() - startedAtMs) / 1000);
  }

  read(bytes: number): void {
    this.#bytes.inc(bytes);
  }

  refused(code: string, bytes: number): void {
    this.#metrics.counter('tidemark_ingest_refused_total', { code }).inc();
    this.#metrics.counter('tidemark_ingest_refused_bytes_total', { code }).inc(bytes);
  }

  appended(startedAtMs: number): void {
    this.#append.observe((performance.now() - startedAtMs) / 1000);
  }

  appendFailed(): void {
    this.#appendFailures.inc();
  }

  /** Counted once they are durable, so that no refused request shows up here. */
  admitted(admissions: readonly Admission[]): void {
    let accepted = 0;
    for (const admission of admissions) {
      if (admission.kind === 'store') accepted++;
      else if (admission.kind === 'filter') this.#byResult.filtered.inc();
      else if (admission.kind === 'quarantine') this.fault('quarantined', admission.faults[0].code, admission.valve);
      else this.fault('rejected', admission.fault.code, admission.valve);
    }
    if (accepted > 0) this.#byResult.accepted.inc(accepted);
  }

  /** `valve`: id of the valve that stopped the event. */
  fault(result: 'quarantined' | 'rejected', code: string, valve?: string): void {
    this.#byResult[result].inc();
    if (valve !== undefined) {
      const action = result === 'rejected' ? 'drop' : 'quarantine';
      this.#metrics.counter('tidemark_valve_events_total', { valve, action }).inc();
    }
    let counter = this.#byFault.get(code);
    if (counter === undefined) {
      counter = this.#metrics.counter('tidemark_ingest_faults_total', { code });
      this.#byFault.set(code, counter);
    }
    counter.inc();
  }
}
