/** Fills a warehouse folder that nobody else has open; see bench/questions/store/fill.ts. */
import { ChdbWarehouse, migrateWarehouse } from '@tidemark/warehouse';
import { fill, type FillOrder } from './questions/store/fill.ts';
import { doOrder } from './server/do-order.ts';

doOrder(async ({ warehousePath, plan }: FillOrder) => {
  const warehouse = await ChdbWarehouse.open({ path: warehousePath, maxMemoryBytes: 8 * 2 ** 30, connections: 1 });
  await migrateWarehouse(warehouse);
  await fill(warehouse, plan);
  await warehouse.close();
});
