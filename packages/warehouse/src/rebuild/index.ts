export { shadowOf } from './definitions.ts';
export { areShadowsWhole, createMissingTables, createShadows, dropShadows, exchangeWithShadow, replaceFromShadow, tableIds } from './shadows.ts';
