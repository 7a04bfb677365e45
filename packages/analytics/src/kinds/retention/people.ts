/** The people behind a number of a retention question (rule K5). */
import Type, { type Static } from 'typebox';
import type { Asking } from '../../asking/asking.ts';
import { CellGroup, groupOfCell, inGroupSql, keptColumns, keyNames, noSuchGroup, sameGroup, type GroupKey } from '../../events/breakdown.ts';
import { CellTime, noSuch } from '../../question/cell.ts';
import { readTime } from '../../time/range.ts';
import { beginMs, periodsOf, type Periods } from './periods.ts';
import type { Question } from './question.ts';
import { cellsSql, cohortMembersSql } from './sql.ts';

export const Cell = Type.Object(
  {
    cohort: Type.Optional(CellTime),
    column: Type.Optional(Type.Integer({ minimum: 0, description: 'number of the column, from 0; absent = all of the cohort' })),
    outcome: Type.Optional(Type.Enum(['retained', 'lost'], { description: 'retained (default) or lost' })),
    breakdown: Type.Optional(CellGroup),
  },
  { additionalProperties: false },
);
export type Cell = Static<typeof Cell>;

/** SELECT of the people of a cohort (or of all, each once); of a column those who came back in it, or did not. */
export async function peopleOf(question: Question, cell: Cell, asking: Asking): Promise<string> {
  const { breakdown = [] } = question;
  const periods = periodsOf(question, asking.range);
  const members = cohortMembersSql(question, periods, asking);
  const conditions = [cellSql(question, cell, periods, asking)];
  const columns = ['*'];
  if (cell.breakdown !== undefined) {
    const shown = await shownGroups(question, members, asking);
    const group = groupOfCell(cell.breakdown, breakdown.length, shown);
    if (!shown.some((other) => sameGroup(other) === sameGroup(group))) throw noSuchGroup(cell.breakdown);
    columns.push(...keptColumns(breakdown.length, shown));
    conditions.push(inGroupSql(group));
  }
  return `SELECT DISTINCT person FROM (SELECT ${columns.join(', ')} FROM (${members})) WHERE ${conditions.join(' AND ')}`;
}

/** Keys of the groups in the answer, with those of the rest and of the unset. */
async function shownGroups(question: Question, members: string, { query }: Asking): Promise<GroupKey[]> {
  const keys = keyNames(question.breakdown?.length ?? 0);
  if (keys.length === 0) return [];
  const rows = await query<Record<string, string>>(`SELECT DISTINCT ${keys.join(', ')} FROM (${cellsSql(question, members)})`);
  return rows.map((row) => keys.map((key) => row[key]!));
}

/** SQL that is 1 for the people of the cell, whatever their group. Of a column those cohorts count in which it has begun. */
function cellSql({ mode }: Question, cell: Cell, periods: Periods, { range, nowMs }: Asking): string {
  const { column, outcome } = cell;
  const { columns, cohorts, starts } = periods;
  const all = [...starts.keys()].slice(0, cohorts);
  const atMs = cell.cohort === undefined ? undefined : readTime(cell.cohort, 'cell.cohort', range.zone, nowMs);
  const asked = atMs === undefined ? all : all.filter((cohort) => starts[cohort] === atMs);
  if (asked.length === 0) throw noSuch('cohort', cell.cohort, 'the start of a cohort of the answer');
  if (column === undefined) {
    if (outcome !== undefined) throw noSuch('outcome', outcome, 'absent without a column');
    return `cohort IN (${asked.join(', ')})`;
  }
  if (column >= columns.length) throw noSuch('column', column, `a number from 0 to ${columns.length - 1}`);
  const begun = asked.filter((cohort) => beginMs(periods, cohort, column) <= nowMs);
  if (begun.length === 0) throw noSuch('column', column, 'a column that has begun');
  const isBack = mode === 'on_or_after' ? `arrayMax(back) >= ${column}` : `has(back, ${column})`;
  return `cohort IN (${begun.join(', ')}) AND ${outcome === 'lost' ? `NOT ${isBack}` : isBack}`;
}
