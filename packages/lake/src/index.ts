export * from './lake.ts';
export * from './manifest.ts';
export { compactLake } from './compact.ts';
export { removeFromLake } from './remove.ts';
