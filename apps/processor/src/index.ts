export * from './status.ts';
export { Processor, type ProcessorObserver, type ProcessorParts } from './processor.ts';
export { IdFilter } from './dedup/id-filter.ts';
export { recover, type Recovered } from './mend/recover.ts';
