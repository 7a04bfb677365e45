export * from './lake.ts';
export * from './manifest.ts';
