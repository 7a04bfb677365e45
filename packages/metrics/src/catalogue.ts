/**
 * Every metric of every process, in one place: what is not listed here can't be counted, and docs and dashboards
 * read this list. Names follow Prometheus's conventions (base units, `_total` on counters).
 */
interface Definition {
  type: 'counter' | 'gauge' | 'histogram';
  help: string;
  labels: readonly string[];
  buckets?: readonly number[];
}

/** From what a request costs when nothing waits (0.2 ms) to a client's patience (10 s); the accept goal is 10 ms. */
const REQUEST_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10] as const;
/** Writes of whole ranges, and questions. */
const WORK_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;

export const CATALOGUE = {
  // Collector: what came in, how fast it was answered, what was refused.
  tidemark_ingest_requests_total: {
    type: 'counter',
    help: 'Ingest requests answered, by HTTP status.',
    labels: ['status'],
  },
  tidemark_ingest_bytes_total: { type: 'counter', help: 'Bytes of ingest bodies read from the wire.', labels: [] },
  tidemark_ingest_events_total: {
    type: 'counter',
    help: 'Events of authenticated, parsed requests: accepted, quarantined, filtered or rejected.',
    labels: ['result'],
  },
  tidemark_ingest_faults_total: {
    type: 'counter',
    help: 'Events not accepted, by the code of the first fault.',
    labels: ['code'],
  },
  tidemark_valve_events_total: {
    type: 'counter',
    help: 'Events stopped at the door by each valve.',
    labels: ['valve', 'action'],
  },
  tidemark_ingest_refused_total: {
    type: 'counter',
    help: 'Requests refused whole, by the code of the problem.',
    labels: ['code'],
  },
  tidemark_ingest_refused_bytes_total: {
    type: 'counter',
    help: 'Bytes of requests refused whole, as far as known.',
    labels: ['code'],
  },
  tidemark_ingest_duration_seconds: {
    type: 'histogram',
    help: 'From the head of an ingest request to its answer.',
    labels: [],
    buckets: REQUEST_SECONDS,
  },
  tidemark_ingest_connections: { type: 'gauge', help: 'Open connections of the public port.', labels: [] },
  tidemark_ingest_inflight_bytes: { type: 'gauge', help: 'Bytes of ingest bodies held in memory.', labels: [] },
  tidemark_proxy_requests_total: {
    type: 'counter',
    help: 'Requests handed on to the engine, by HTTP status.',
    labels: ['status'],
  },

  // Log.
  tidemark_log_append_duration_seconds: {
    type: 'histogram',
    help: 'From handing records to the log to their fsync.',
    labels: [],
    buckets: REQUEST_SECONDS,
  },
  tidemark_log_append_failures_total: {
    type: 'counter',
    help: 'Appends that the log refused or failed to sync.',
    labels: [],
  },
  tidemark_log_pending_bytes: { type: 'gauge', help: 'Bytes taken by the log writer and not yet durable.', labels: [] },
  tidemark_log_end_offset: { type: 'gauge', help: 'Offset after the last record.', labels: ['topic', 'partition'] },
  tidemark_log_start_offset: { type: 'gauge', help: 'First offset still held.', labels: ['topic', 'partition'] },

  // Processor and stores.
  tidemark_processed_events_total: {
    type: 'counter',
    help: 'Events whose end is decided and committed.',
    labels: ['outcome'],
  },
  tidemark_conflict_events_total: {
    type: 'counter',
    help: 'Duplicates that carried other content than the first copy.',
    labels: [],
  },
  tidemark_late_events_total: {
    type: 'counter',
    help: 'Stored events whose time lay before the watermark.',
    labels: [],
  },
  tidemark_event_lateness_seconds: {
    type: 'histogram',
    help: 'Receipt less event time of stored events.',
    labels: ['project'],
    buckets: [1, 10, 60, 300, 1_800, 3_600, 7_200, 21_600, 86_400, 259_200, 604_800],
  },
  tidemark_committed_offset: {
    type: 'gauge',
    help: 'Offset after the last record that every store holds.',
    labels: ['partition'],
  },
  tidemark_processor_lag_events: { type: 'gauge', help: 'Records acknowledged and not yet in the stores.', labels: [] },
  tidemark_processor_lag_seconds: {
    type: 'gauge',
    help: 'Age of the oldest record not yet in the stores.',
    labels: [],
  },
  tidemark_processor_range_duration_seconds: {
    type: 'histogram',
    help: 'One range through one stage: plan, dedup, apply, commit.',
    labels: ['stage'],
    buckets: WORK_SECONDS,
  },
  tidemark_processor_failures_total: {
    type: 'counter',
    help: 'Ranges that had to be tried again, by stage.',
    labels: ['stage'],
  },
  tidemark_failing: {
    type: 'gauge',
    help: '1 while writes to the part fail again and again, else 0.',
    labels: ['part'],
  },
  tidemark_freshness_seconds: {
    type: 'histogram',
    help: 'From acknowledged to queryable.',
    labels: [],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30, 60, 300, 3600],
  },
  tidemark_freshness_recent_seconds: {
    type: 'gauge',
    help: 'From acknowledged to queryable over the last ranges.',
    labels: ['quantile'],
  },
  tidemark_watermark_timestamp_seconds: {
    type: 'gauge',
    help: 'Event times before this are complete, allowed lateness aside.',
    labels: [],
  },
  tidemark_warehouse_write_duration_seconds: {
    type: 'histogram',
    help: 'One insert of one range into a table.',
    labels: ['table'],
    buckets: WORK_SECONDS,
  },
  tidemark_warehouse_write_failures_total: {
    type: 'counter',
    help: 'Inserts that the warehouse refused or failed.',
    labels: ['table'],
  },
  tidemark_lake_write_duration_seconds: {
    type: 'histogram',
    help: 'One landing file of the lake.',
    labels: [],
    buckets: WORK_SECONDS,
  },
  tidemark_lake_write_failures_total: { type: 'counter', help: 'Landing files that could not be written.', labels: [] },
  tidemark_dedup_ids: { type: 'gauge', help: 'Event ids remembered for deduplication.', labels: [] },
  tidemark_dedup_window_start_timestamp_seconds: { type: 'gauge', help: 'Since when ids are remembered.', labels: [] },
  tidemark_dedup_memory_bytes: { type: 'gauge', help: 'Memory of the filter over remembered ids.', labels: [] },
  tidemark_balance_events: {
    type: 'gauge',
    help: 'The balance over all projects: received, and what became of it.',
    labels: ['outcome'],
  },
  tidemark_rollup_dirty_buckets: { type: 'gauge', help: 'Quarters of an hour, of all projects, that are answered from events until they are rolled up again.', labels: [] },
  tidemark_rollup_sealed_timestamp_seconds: { type: 'gauge', help: 'Event time before which trends are answered from rollups.', labels: [] },
  tidemark_accounting_differing_minutes: {
    type: 'gauge',
    help: 'Minutes of a source, of the last day, whose outcomes do not add up to what was received; anything but 0 is a fault.',
    labels: [],
  },
  tidemark_balance_difference_events: {
    type: 'gauge',
    help: 'received less the sum of what became of it; anything but 0 is a fault of ours.',
    labels: [],
  },
  tidemark_disk_bytes: { type: 'gauge', help: 'Bytes on disk.', labels: ['store'] },
  tidemark_parts_broken_total: {
    type: 'counter',
    help: 'Parts of tables and files of the lake that were found broken at the start and set aside.',
    labels: ['store'],
  },
  tidemark_mended_rows_total: {
    type: 'counter',
    help: 'Rows that a store had lost and was given again at the start from the other stores.',
    labels: ['store'],
  },

  // Jobs.
  tidemark_job_runs_total: {
    type: 'counter',
    help: 'Rounds of each job that ended: done, idle, held_back or failed.',
    labels: ['job', 'result'],
  },
  tidemark_job_duration_seconds: {
    type: 'histogram',
    help: 'One round of a job.',
    labels: ['job'],
    buckets: WORK_SECONDS,
  },
  tidemark_job_rows_total: {
    type: 'counter',
    help: 'Rows that rounds of the job read, wrote or deleted, whichever its work is counted in.',
    labels: ['job'],
  },
  tidemark_job_last_success_timestamp_seconds: {
    type: 'gauge',
    help: 'When a round of the job last ended without an error.',
    labels: ['job'],
  },
  tidemark_job_held_back_rows: {
    type: 'gauge',
    help: 'Rows that the last round of the job would not delete before somebody confirms it.',
    labels: ['job'],
  },

  // Questions and the rest of the API.
  tidemark_api_requests_total: {
    type: 'counter',
    help: 'API requests answered.',
    labels: ['method', 'route', 'status'],
  },
  tidemark_api_request_duration_seconds: {
    type: 'histogram',
    help: 'API requests from head to end of the answer.',
    labels: ['route'],
    buckets: WORK_SECONDS,
  },
  tidemark_answer_lookups_total: {
    type: 'counter',
    help: 'Questions answered from what was kept (hit), with another asker of the same (shared), or computed (miss).',
    labels: ['result'],
  },
  tidemark_answer_cache_bytes: { type: 'gauge', help: 'Memory of the answers that are kept.', labels: [] },
  tidemark_answer_cache_answers: { type: 'gauge', help: 'Answers that are kept.', labels: [] },
  tidemark_sql_waiting_bytes: { type: 'gauge', help: 'Memory of the process that waits for the next SQL query, 0 without one.', labels: [] },
  tidemark_live_clients: { type: 'gauge', help: 'Readers of the live stream.', labels: [] },
  tidemark_live_clients_dropped_total: {
    type: 'counter',
    help: 'Readers of the live stream dropped, by reason.',
    labels: ['reason'],
  },
  tidemark_build_info: { type: 'gauge', help: 'Always 1; the version is the label.', labels: ['version'] },
} as const satisfies Record<`tidemark_${string}`, Definition>;

export type MetricName = keyof typeof CATALOGUE;
export type MetricsOfType<T extends Definition['type']> = {
  [N in MetricName]: (typeof CATALOGUE)[N]['type'] extends T ? N : never;
}[MetricName];
/** The labels a metric wants, each a string. */
export type Labels<N extends MetricName> = Record<(typeof CATALOGUE)[N]['labels'][number], string>;
