export * from './catalogue.ts';
export * from './merge.ts';
export * from './metrics.ts';
