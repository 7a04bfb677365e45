/** Statements, one after another as they are sent, in a chDB folder that nobody else has open; see bench/questions/hand-sql.ts. */
import { ChdbWarehouse, migrateWarehouse } from '@tidemark/warehouse';

process.once('message', ({ warehousePath }: { warehousePath: string }) => {
  serve(warehousePath).catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
});

async function serve(warehousePath: string): Promise<void> {
  const warehouse = await ChdbWarehouse.open({ path: warehousePath, maxMemoryBytes: 8 * 2 ** 30, connections: 1 });
  await migrateWarehouse(warehouse);
  process.on('message', ({ sql }: { sql?: string }) => {
    if (sql === undefined) return void warehouse.close().then(() => process.exit(0));
    const startedAt = performance.now();
    warehouse.query(sql).then(
      ({ rows }) => process.send?.({ rows, ms: performance.now() - startedAt }),
      (error: unknown) => {
        console.error(error, sql);
        process.exit(1);
      },
    );
  });
  process.send?.('open');
}
