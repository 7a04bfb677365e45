export { actorHashSql, keyHashSql } from './actor.ts';
export { BUCKET_MS, bucketStart, nextBorder, type Run } from './bucket.ts';
export { withinBuckets, withinRuns, type BucketsOfProjects, type RunsOfProjects } from './buckets-of-projects.ts';
export { COARSER_MS, coarsen, spansToCoarsen, staleSql, type CoarseSpan } from './coarser.ts';
export { lineSql, raiseLine, readLine, readLines, type RollupLine } from './lines.ts';
export { clearMarks, markBuckets, marked, markStored, type Mark, type MarkOrigin } from './marks.ts';
export { missingBuckets, missingSql, readProgress } from './missing.ts';
export { nextVersion, recompute } from './recompute.ts';
export type { RollupDefinition } from './definition.ts';
export { SKETCH, SKETCH_ERROR, SKETCH_PRECISION, sketchSome } from './sketch.ts';
export { sealedVersion } from './sealed.ts';
export { readRollupState, type RollupState } from './state.ts';
export { deleteSuperseded } from './superseded.ts';

/** Tables that are made of events by the job `rollups`, and can be as long as the events are there. */
export const ROLLUP_TABLES = ['rollup_rows', 'rollup_buckets', 'rollup_marks', 'rollup_lines'] as const;
