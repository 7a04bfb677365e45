export * from './warehouse.ts';
export * from './literal.ts';
export { ChdbWarehouse, type ChdbOptions } from './chdb/chdb-warehouse.ts';
export { migrateWarehouse, warehouseMigrations } from './migrate.ts';
export { Staging } from './staging.ts';
export * from './tables.ts';
export * from './rebuild/index.ts';
export * from './verify/index.ts';
export { isDamageNumber, storeDamage, type StoreDamage } from './store-damage.ts';
