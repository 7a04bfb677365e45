/**
 * What is too much for a statement, in the table `identity_overrides`, in memory: who bears another one's name, which claims are cut,
 * which users are hubs. A later identity of the same project is written as what it changes of the one before: a row that is new,
 * or one of the kind `no name`, `no cut`, `no hub` for one that is gone. To write 20,000 rows anew took 100 ms, and to take the old
 * ones out 35 to 270 ms more, for each new link (chDB 26.7, 2026-11-22).
 */
import { overridesOf } from '@tidemark/identity';
import { literal, type Warehouse } from '@tidemark/warehouse';
import type { OverrideRow, OverridesTable } from './override-rows.ts';
import type { ProjectIdentity } from './project-identity.ts';

/** With more changes than these it is written anew: each question reads all of them. */
const MAX_CHANGES = 100;
/** Changed rows, of those of the base. */
const MAX_CHANGED_SHARE = 0.1;
/** Of one project; they stay for who asks by the ones before. */
const KEPT_BASES = 4;

/** Versions of a process: the table is empty when it starts. */
let lastVersion = 0;
/** The last bases of each project, oldest first. */
const bases = new WeakMap<Warehouse, Map<string, number[]>>();

/**
 * Writes what `identity` says; where `before` is there only what is not the same, up to `maxChangedRows` (a tenth of the rows). Nothing is written
 * where all of it is. Throws WarehouseError.
 */
export async function writeOverrides(identity: ProjectIdentity, warehouse: Warehouse, before?: OverridesTable, maxChangedRows?: number): Promise<OverridesTable> {
  const { project } = identity;
  const rows = rowsOf(identity);
  if (before !== undefined) {
    const changed = [
      ...[...rows].filter(([key]) => !before.rows.has(key)).map(([, [kind, ...texts]]) => [kind, ...texts]),
      ...[...before.rows].filter(([key]) => !rows.has(key)).map(([, [kind, ...texts]]) => [`no ${kind}`, ...texts]),
    ];
    if (changed.length === 0) return before;
    const changedRows = before.changedRows + changed.length;
    if (before.changes.length < MAX_CHANGES && changedRows <= (maxChangedRows ?? MAX_CHANGED_SHARE * rows.size)) {
      const version = ++lastVersion;
      await insert(project, version, changed, warehouse);
      return { base: before.base, changes: [...before.changes, version], changedRows, rows };
    }
  }
  const base = ++lastVersion;
  await insert(project, base, [...rows.values()], warehouse);
  await dropOldBases(project, base, warehouse);
  return { base, changes: [], changedRows: 0, rows };
}

/** By a text that no two of them share. */
function rowsOf({ persons, cutClaims, hubUsers }: ProjectIdentity): Map<string, OverrideRow> {
  const rows: OverrideRow[] = [
    ...[...overridesOf(persons)].map(([node, name]): OverrideRow => ['name', node, name]),
    ...cutClaims.map(([device, user]): OverrideRow => ['cut', device, user]),
    ...hubUsers.map((user): OverrideRow => ['hub', user, '']),
  ];
  return new Map(rows.map((row) => [`${row[0]} ${row[1].length} ${row[1]}${row[2]}`, row]));
}

async function insert(project: string, version: number, rows: readonly (readonly string[])[], warehouse: Warehouse): Promise<void> {
  await warehouse.command('CREATE TABLE IF NOT EXISTS identity_overrides (project String, version UInt64, kind String, one String, other String) ENGINE = Memory');
  const values = rows.map((texts) => `(${[literal(project), version, ...texts.map((text) => literal(text))].join(', ')})`);
  for (let at = 0; at < values.length; ) {
    let some = values[at++] ?? '';
    while (at < values.length && some.length < 100_000) some += `, ${values[at++]}`;
    await warehouse.command(`INSERT INTO identity_overrides VALUES ${some}`);
  }
}

async function dropOldBases(project: string, base: number, warehouse: Warehouse): Promise<void> {
  let ofProjects = bases.get(warehouse);
  if (ofProjects === undefined) bases.set(warehouse, (ofProjects = new Map()));
  const kept = [...(ofProjects.get(project) ?? []), base].slice(-KEPT_BASES);
  ofProjects.set(project, kept);
  if (kept.length < KEPT_BASES) return;
  await warehouse.command(`ALTER TABLE identity_overrides DELETE WHERE project = ${literal(project)} AND version < ${kept[0]} SETTINGS mutations_sync = 1`);
}
