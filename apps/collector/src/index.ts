export { createCollector } from './collector.ts';
export type { Collector, CollectorOptions } from './collector.ts';
export { DEFAULT_BOUNDS } from './bounds.ts';
export type { CollectorBounds } from './bounds.ts';
export type { AdmissionPort } from './intake.ts';
export type { DiskBelowLog } from './log-disk.ts';
export type { Logger } from './logger.ts';
