import { overridesOf } from '@tidemark/identity';
import { literal, type Warehouse } from '@tidemark/warehouse';
import type { ProjectIdentity } from './project-identity.ts';

let lastVersion = 0;

/**
 * Puts what is too much for a statement into the table `identity_overrides`, in memory, and answers its version. The two
 * versions before it stay for those that ask by them. Throws WarehouseError.
 */
export async function writeOverrides({ project, persons, cutClaims, hubUsers }: ProjectIdentity, warehouse: Warehouse): Promise<number> {
  const version = ++lastVersion;
  await warehouse.command('CREATE TABLE IF NOT EXISTS identity_overrides (project String, version UInt64, kind String, one String, other String) ENGINE = Memory');
  const rows = [
    ...[...overridesOf(persons)].map(([node, name]) => ['name', node, name]),
    ...cutClaims.map(([device, user]) => ['cut', device, user]),
    ...hubUsers.map((user) => ['hub', user, '']),
  ].map((row) => `(${[literal(project), version, ...row.map((text) => literal(text))].join(', ')})`);
  for (let at = 0; at < rows.length; ) {
    let values = rows[at++] ?? '';
    while (at < rows.length && values.length < 100_000) values += `, ${rows[at++]}`;
    await warehouse.command(`INSERT INTO identity_overrides VALUES ${values}`);
  }
  const { rows: versions } = await warehouse.query<{ version: number }>(`SELECT DISTINCT version FROM identity_overrides WHERE project = ${literal(project)} ORDER BY version DESC LIMIT 4`);
  const oldest = versions[3];
  if (oldest !== undefined) await warehouse.command(`ALTER TABLE identity_overrides DELETE WHERE project = ${literal(project)} AND version <= ${Number(oldest.version)} SETTINGS mutations_sync = 1`);
  return version;
}
