/**
 * Which statements of the migrations were applied: a row of the table `migrations` each, and the newest as that table's comment. They
 * are applied in order, so one that is known vouches for all before it. The rows alone were one small part, with which all of it was
 * forgotten: a start then did the first statements again, to tables that they did not fit any more (found with a bit flipped in it).
 */
import { intLiteral, literal } from './literal.ts';
import { WarehouseError, type Warehouse } from './warehouse.ts';

/** A statement of a migration: the `index`-th of the file `name`. */
export interface Step {
  name: string;
  index: number;
  statement: string;
}

type Note = Pick<Step, 'name' | 'index'>;

/**
 * How many of `steps` were applied, of which notes that are gone are written again. Throws WarehouseError for tables of a newer
 * version, and where there are tables and no note is left.
 */
export async function readNotes(warehouse: Warehouse, steps: readonly Step[]): Promise<number> {
  await warehouse.command(
    `CREATE TABLE IF NOT EXISTS migrations (name String, statement UInt32, applied_at DateTime DEFAULT now())
     ENGINE = MergeTree ORDER BY (name, statement) SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1`,
  );
  const { rows } = await warehouse.query<{ name: string; statement: number }>('SELECT name, statement FROM migrations');
  const newer = rows.find(({ name }) => !steps.some((step) => step.name === name));
  if (newer !== undefined) {
    throw new WarehouseError(`its tables were made by a newer Tidemark (${newer.name}): run that one, or restore a backup from before the upgrade`, 0);
  }
  const noted = new Set(rows.map(({ name, statement }) => labelOf({ name, index: statement })));
  const { newest, otherTables } = await readTables(warehouse);
  const applied = steps.findLastIndex((step) => noted.has(labelOf(step)) || labelOf(step) === newest) + 1;
  // The first statement makes one, and may have been cut short before its note.
  if (applied === 0 && otherTables > 1) {
    throw new WarehouseError('it has tables, but the notes of which migrations made them are gone (table migrations)', 0);
  }
  await note(warehouse, steps.slice(0, applied).filter((step) => !noted.has(labelOf(step))));
  return applied;
}

/** Notes that these were applied. */
export async function note(warehouse: Warehouse, steps: readonly Note[]): Promise<void> {
  if (steps.length === 0) return;
  await warehouse.command(`INSERT INTO migrations (name, statement) VALUES ${steps.map(({ name, index }) => `(${literal(name)}, ${intLiteral(index)})`).join(', ')}`);
}

/** To be called when all of `steps` were applied. */
export async function noteNewest(warehouse: Warehouse, steps: readonly Step[]): Promise<void> {
  const newest = labelOf(steps.at(-1)!);
  if ((await readTables(warehouse)).newest !== newest) await warehouse.command(`ALTER TABLE migrations MODIFY COMMENT ${literal(newest)}`);
}

export function labelOf({ name, index }: Note): string {
  return `${name}#${index}`;
}

async function readTables(warehouse: Warehouse): Promise<{ newest: string; otherTables: number }> {
  const { rows } = await warehouse.query<{ newest: string; otherTables: number }>(
    `SELECT anyIf(comment, name = 'migrations') AS newest, toUInt32(countIf(name != 'migrations')) AS otherTables FROM system.tables WHERE database = currentDatabase() AND NOT is_temporary`,
  );
  return rows[0]!;
}
