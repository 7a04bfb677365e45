export * from './event.ts';
export * from './row.ts';
