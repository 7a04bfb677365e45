import { warehouseMigrations, statementsOf, type Migration } from '../migrate.ts';

/** No table of ours has such a name but a shadow: one that is being made beside the table of which it will take the place. */
export const SHADOW_PREFIX = 'rebuild_';

export function shadowOf(table: string): string {
  return `${SHADOW_PREFIX}${table}`;
}

/**
 * Statements that make a table as the migrations define it today, under the name `as`. Not by `CREATE TABLE … AS`: the
 * live table may be gone, or be of an older form.
 */
export function definitionOf(table: string, as: string, migrations: readonly Migration[] = warehouseMigrations()): string[] {
  const statements = migrations.flatMap(({ sql }) => statementsOf(sql));
  const aimed = new RegExp(`^(CREATE TABLE(?: IF NOT EXISTS)?|ALTER TABLE) ${table}\\b`);
  const found = statements.filter((statement) => aimed.test(statement)).map((statement) => statement.replace(aimed, `$1 ${as}`));
  // A later one took the place of that of before.
  const created = found.findLastIndex((statement) => statement.startsWith('CREATE TABLE'));
  if (created === -1) throw new Error(`No migration creates the table ${table}.`);
  return found.slice(created);
}
