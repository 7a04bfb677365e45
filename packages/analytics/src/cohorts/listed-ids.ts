import { literal, type Warehouse } from '@tidemark/warehouse';

/** Far below the 256 KB at which a statement ends. */
const MAX_LIST_BYTES = 100_000;

/** SELECT of `id`, once each, of a list that is too long for a statement: it lies in memory until `forgetListed`. Throws WarehouseError. */
export async function listedIds(ids: readonly string[], warehouse: Warehouse): Promise<string> {
  await warehouse.command('CREATE TABLE IF NOT EXISTS cohort_listed (id String) ENGINE = Memory');
  let values: string[] = [];
  let bytes = 0;
  const write = async (): Promise<void> => {
    await warehouse.command(`INSERT INTO cohort_listed VALUES ${values.join(', ')}`);
    [values, bytes] = [[], 0];
  };
  for (const id of ids) {
    const value = `(${literal(id)})`;
    bytes += Buffer.byteLength(value) + 2;
    if (bytes > MAX_LIST_BYTES && values.length > 0) await write();
    values.push(value);
  }
  if (values.length > 0) await write();
  return 'SELECT DISTINCT id FROM cohort_listed';
}

export async function forgetListed(warehouse: Warehouse): Promise<void> {
  await warehouse.command('TRUNCATE TABLE IF EXISTS cohort_listed');
}
