export * from './log.ts';
export * from './epochs.ts';
export { LmdbLogReader } from './lmdb/reader.ts';
export { LmdbLogWriter } from './lmdb/writer.ts';
export { LmdbPositions } from './lmdb/positions.ts';
export { adoptCopy, copyLog, type LogOrigin } from './lmdb/copy.ts';
export { MemoryLog } from './memory.ts';
export { isCommitEcho } from './lmdb/commit-echo.ts';
