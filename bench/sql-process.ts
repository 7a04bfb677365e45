/** Statements in a chDB folder that nobody else has open; see bench/prepare/sql.ts. */
import { ChdbWarehouse, migrateWarehouse } from '@tidemark/warehouse';

process.once('message', (message: { warehousePath: string; statements: string[] }) => {
  run(message).then(
    (answer) => process.send?.(answer, () => process.exit(0)),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});

async function run({ warehousePath, statements }: { warehousePath: string; statements: string[] }): Promise<unknown[][]> {
  const warehouse = await ChdbWarehouse.open({ path: warehousePath, maxMemoryBytes: 8 * 2 ** 30, connections: 1 });
  await migrateWarehouse(warehouse);
  const answers: unknown[][] = [];
  for (const statement of statements) {
    if (/^\s*SELECT/.test(statement)) answers.push((await warehouse.query(statement)).rows);
    else {
      await warehouse.command(statement);
      answers.push([]);
    }
  }
  await warehouse.close();
  return answers;
}
