import type { RoundFacts } from '@tidemark/control';
import type { Metrics } from '@tidemark/metrics';
import type { RollupState } from '@tidemark/warehouse';

interface JobLog {
  error(facts: object, message: string): void;
  warn(facts: object, message: string): void;
}

/** Puts the rounds of the jobs into the engine's metrics, and their failures into the journal. */
export function jobMetrics(metrics: Metrics, logger: JobLog) {
  return {
    onRound(job: string, { durationMs, rows, result, error, heldBack }: RoundFacts): void {
      metrics.counter('tidemark_job_runs_total', { job, result: resultOf(result, error, heldBack.length) }).inc();
      metrics.histogram('tidemark_job_duration_seconds', { job }).observe(durationMs / 1000);
      metrics.counter('tidemark_job_rows_total', { job }).inc(rows);
      metrics.gauge('tidemark_job_held_back_rows', { job }).set(heldBack.reduce((sum, deletion) => sum + deletion.rows, 0));
      if (error === null) metrics.gauge('tidemark_job_last_success_timestamp_seconds', { job }).set(Date.now() / 1000);
    },
    onError(job: string, err: unknown): void {
      if ((err as { code?: unknown } | null)?.code === 'implausible_effect') logger.warn({ job, why: (err as Error).message }, 'a job holds a deletion back until it is confirmed');
      else logger.error({ err, job }, 'a job failed; it will run again');
    },
  };
}

/** How far answers come from rollups. */
export function rollupMetrics(metrics: Metrics) {
  return ({ sealedMs, dirtyBuckets }: RollupState): void => {
    metrics.gauge('tidemark_rollup_dirty_buckets', {}).set(dirtyBuckets);
    if (sealedMs !== undefined) metrics.gauge('tidemark_rollup_sealed_timestamp_seconds', {}).set(sealedMs / 1000);
  };
}

function resultOf(result: string | null, error: string | null, heldBack: number): string {
  if (heldBack > 0) return 'held_back';
  if (error !== null) return 'failed';
  return result === null ? 'idle' : 'done';
}
