import type { Asking } from '../asking/asking.ts';
import { allUnsetSql, keyNames, type GroupKey } from './breakdown.ts';

/** Of rows with the columns k0, k1, … the `limit` groups with the most of them, the first first; without the unset one (rule B2). */
export async function topGroups(from: string, count: number, limit: number, { query }: Pick<Asking, 'query'>): Promise<GroupKey[]> {
  if (count === 0) return [];
  const keys = keyNames(count).join(', ');
  const rows = await query<Record<string, string>>(`SELECT ${keys} FROM (${from}) WHERE NOT (${allUnsetSql(count)}) GROUP BY ${keys} ORDER BY count() DESC, ${keys} LIMIT ${limit}`);
  return rows.map((row) => keyNames(count).map((name) => row[name] ?? ''));
}
