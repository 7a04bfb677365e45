import { literal, timeLiteral } from '../literal.ts';
import type { Warehouse } from '../warehouse.ts';

/** See the table `rollup_lines`. */
export type RollupLine = 'mark' | 'sealed' | 'frozen' | 'sketched' | 'doubted' | 'settled';

/** Epoch ms of a line; undefined when there is none yet. `project` is '' but for `frozen` and `sketched`. */
export async function readLine(warehouse: Pick<Warehouse, 'query'>, kind: RollupLine, project = ''): Promise<number | undefined> {
  const { rows } = await warehouse.query<{ ms: number }>(lineSql(kind, project));
  return rows[0]?.ms;
}

/** That line of each project that has one; epoch ms. */
export async function readLines(warehouse: Pick<Warehouse, 'query'>, kind: RollupLine): Promise<Map<string, number>> {
  const { rows } = await warehouse.query<{ project: string; ms: number }>(`SELECT project, toUnixTimestamp64Milli(max(until)) AS ms FROM rollup_lines WHERE kind = ${literal(kind)} GROUP BY project`);
  return new Map(rows.map(({ project, ms }) => [project, ms]));
}

export function lineSql(kind: RollupLine, project = ''): string {
  return `SELECT toUnixTimestamp64Milli(max(until)) AS ms FROM rollup_lines WHERE kind = ${literal(kind)} AND project = ${literal(project)} HAVING count() > 0`;
}

/** Raises a line; one that is higher stays. Durable when it resolves. Throws WarehouseError. */
export async function raiseLine(warehouse: Warehouse, kind: RollupLine, untilMs: number, project = ''): Promise<void> {
  await warehouse.command(`INSERT INTO rollup_lines (kind, project, until) SELECT ${literal(kind)}, ${literal(project)}, ${timeLiteral(untilMs)}`);
}
