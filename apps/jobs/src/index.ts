export { ClockWatch } from './clock-watch.ts';
export type { Job, Round } from './job.ts';
export { DEDUP_WINDOW_DAYS, idExpiry } from './id-expiry.ts';
export { lakeCompaction } from './lake-compaction.ts';
export { quarantineExpiry } from './quarantine-expiry.ts';
export { retention } from './retention.ts';
export { JobScheduler, type JobStatus, type RoundEnd } from './scheduler.ts';
export { purgeProject } from './purge.ts';
export { accountingCheck, type AccountingDifference } from './accounting-check.ts';
