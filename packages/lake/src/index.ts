export * from './lake.ts';
export * from './manifest.ts';
export { compactLake } from './compact.ts';
export { removeFromLake } from './remove.ts';
export { HELD_OFFSETS, dropHeldOffsets, filesOf, loadHeldOffsets, rowsOfFiles } from './held.ts';
export { replaceBroken, verifyLake, type BrokenLakeFile } from './verify.ts';
