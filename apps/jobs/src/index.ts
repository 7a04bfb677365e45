export { ClockWatch } from './clock-watch.ts';
export type { Job } from './job.ts';
export { DEDUP_WINDOW_DAYS, idExpiry } from './id-expiry.ts';
export { lakeCompaction } from './lake-compaction.ts';
export { retention } from './retention.ts';
export { JobScheduler, type JobStatus } from './scheduler.ts';
export { purgeProject } from './purge.ts';
export { accountingCheck, type AccountingDifference } from './accounting-check.ts';
