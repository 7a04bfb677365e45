/** The people behind a number of the question sessions (rule K5). */
import Type, { type Static } from 'typebox';
import type { Asking } from '../../asking/asking.ts';
import { CellGroup, groupOfCell, inGroupSql, keptColumns, noSuchGroup } from '../../events/breakdown.ts';
import { CellTime, pointOfCell } from '../../question/cell.ts';
import { topGroups } from '../../events/top-groups.ts';
import { pointStarts } from '../points.ts';
import type { Question } from './question.ts';
import { startedSessions } from './sql.ts';

export const Cell = Type.Object({ time: Type.Optional(CellTime), breakdown: Type.Optional(CellGroup) }, { additionalProperties: false });
export type Cell = Static<typeof Cell>;

/** SELECT of the people with a session that counts in the cell. */
export async function peopleOf(question: Question, { time, breakdown: labels }: Cell, asking: Asking): Promise<string> {
  const { breakdown = [], limit = 10 } = question;
  const { range, nowMs, query } = asking;
  const { fromMs, toMs } = time === undefined ? range : pointOfCell(time, pointStarts(question, range, 1), range, nowMs);
  const started = await startedSessions(question, asking);
  const within = `start >= ${fromMs} AND start < ${toMs}`;
  if (labels === undefined) return `SELECT DISTINCT person FROM (${started}) WHERE ${within}`;

  const kept = await topGroups(started, breakdown.length, limit, asking);
  const group = inGroupSql(groupOfCell(labels, breakdown.length, kept));
  const grouped = `SELECT ${['person', 'start', ...keptColumns(breakdown.length, kept)].join(', ')} FROM (${started})`;
  if ((await query(`SELECT 1 FROM (${grouped}) WHERE ${group} LIMIT 1`)).length === 0) throw noSuchGroup(labels);
  return `SELECT DISTINCT person FROM (${grouped}) WHERE ${group} AND ${within}`;
}
