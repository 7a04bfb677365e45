export { definitionOf, shadowOf } from './definitions.ts';
export { areShadowsWhole, createMissingTables, createShadows, dropShadows, exchangeWithShadow, replaceFromShadow, tableIds } from './shadows.ts';
export { inPartitions, PARTITION_OF_TIME, partitionAt, timesOfPartition } from './partitions.ts';
