export * from './status.ts';
export { Processor, type ProcessorObserver, type ProcessorParts } from './processor.ts';
export { IdFilter } from './dedup/id-filter.ts';
export { recover, type Recovered } from './mend/recover.ts';
export { finishSwap, isSwapUnfinished } from './rebuild/swap.ts';
export { rebuildJournalPath, Rebuilds, type RebuildRequest, type RebuildView } from './rebuild/rebuilds.ts';
export { RebuildRefused } from './rebuild/refused.ts';
export { DirtyBuckets } from './dirty-buckets.ts';
