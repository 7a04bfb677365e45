/**
 * Tables that are made of events: cached, and made again from the table `events` when something of them is lost.
 *
 * What is written to them is a set: a row may come twice, of all rows of one key the least `first` counts. So a second try
 * of a range, a replay, or making them again over what is still there changes no answer, and they carry no offsets.
 */
import type { Warehouse } from './warehouse.ts';

interface DerivedRows {
  table: DerivedTable;
  /** [column, expression over an event's row] */
  row: readonly (readonly [column: string, expression: string])[];
  /** Which events make such a row. */
  condition: string;
}

export type DerivedTable = 'identity_claims' | 'identity_links' | 'trait_changes';

export const DERIVED_TABLES: readonly DerivedTable[] = ['identity_claims', 'identity_links', 'trait_changes'];

/** An alias of a user with itself says nothing. */
const IS_ALIAS = "type = 'alias' AND user_id != '' AND previous_id != '' AND previous_id != user_id";
const WHEN = ['first', '(time, event_id)'] as const;

const DERIVED_ROWS: readonly DerivedRows[] = [
  { table: 'identity_claims', row: [['project', 'project'], ['device', 'anonymous_id'], ['user', 'user_id'], WHEN], condition: "anonymous_id != '' AND user_id != ''" },
  { table: 'identity_claims', row: [['project', 'project'], ['device', 'previous_id'], ['user', 'user_id'], WHEN], condition: IS_ALIAS },
  { table: 'identity_links', row: [['project', 'project'], ['user', 'user_id'], ['previous', 'previous_id'], WHEN], condition: IS_ALIAS },
  {
    table: 'trait_changes',
    row: [['is_of_group', "type = 'group'"], ...['project', 'user_id', 'anonymous_id', 'group_id', 'time', 'sequence', 'event_id', 'traits'].map((column) => [column, column] as const)],
    condition: "traits NOT IN ('', '{}')",
  },
];

/**
 * Writes what the events of `source` (`staging`, `events`, or a table with the columns of events) make, and answers which
 * tables took rows. One look at the source tells where there is nothing to write, which then costs no part. Throws WarehouseError.
 */
export async function insertDerived(warehouse: Warehouse, source: string): Promise<DerivedTable[]> {
  const counts = DERIVED_ROWS.map(({ condition }, i) => `countIf(${condition}) AS n${i}`);
  const { rows } = await warehouse.query<Record<string, number>>(`SELECT ${counts.join(', ')} FROM ${source}`);
  const due = DERIVED_ROWS.filter((_, i) => Number(rows[0]?.[`n${i}`] ?? 0) > 0);
  for (const derived of due) await warehouse.command(insertSql(derived, source));
  return [...new Set(due.map(({ table }) => table))];
}

/** Rows of one key in one block are brought together by the engine as it writes them (optimize_on_insert). */
function insertSql({ table, row, condition }: DerivedRows, source: string): string {
  const columns = row.map(([column]) => column).join(', ');
  return `INSERT INTO ${table} (${columns}) SELECT ${row.map(([, expression]) => expression).join(', ')} FROM ${source} WHERE ${condition}`;
}
