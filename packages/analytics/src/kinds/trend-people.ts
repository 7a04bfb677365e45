/** The people behind a number of a trend (rule K5). */
import Type, { type Static } from 'typebox';
import type { Asking } from '../ask.ts';
import { CellGroup, groupColumns, groupOfCell, inGroupSql, keptColumns, noSuchGroup, type GroupKey } from '../breakdown.ts';
import { CellTime, noSuch, pointOfCell } from '../cell.ts';
import { eventsSql } from '../events.ts';
import type { MeasurePlan } from '../measure.ts';
import { ACTOR_COLUMNS, personsOf } from '../person.ts';
import { QuestionError } from '../problem.ts';
import type { TimeRange } from '../range.ts';
import { pointStarts } from './points.ts';
import { keptGroups, selectionOf } from './trend-lines.ts';
import type { Question } from './trend-question.ts';

export const Cell = Type.Object(
  {
    series: Type.Integer({ minimum: 0, description: 'number of the series, from 0' }),
    time: Type.Optional(CellTime),
    breakdown: Type.Optional(CellGroup),
    compare: Type.Optional(Type.Boolean({ description: 'true = in the earlier range' })),
  },
  { additionalProperties: false },
);
export type Cell = Static<typeof Cell>;

/** SELECT of the people with a selected event in the cell. `earlier`: the range that the question compares with, if it does. */
export async function peopleOf(question: Question, cell: Cell, plans: readonly MeasurePlan[], earlier: TimeRange | undefined, asking: Asking): Promise<string> {
  if (question.formula !== undefined) {
    throw new QuestionError({ code: 'unsupported_combination', field: 'cell.series', value: cell.series, rule: 'a series of its own', detail: 'A formula stands in place of the series: nobody did it. Ask for the people of a series without the formula.' });
  }
  if (cell.series >= plans.length) throw noSuch('series', cell.series, `a number from 0 to ${plans.length - 1}`);
  const range = cell.compare === true ? earlier : asking.range;
  if (range === undefined) throw noSuch('compare', cell.compare, 'absent where the question does not compare');
  const starts = pointStarts(question, asking.range, plans.length);
  const at = range === asking.range ? starts : pointStarts(question, range, plans.length);
  const within = cell.time === undefined ? range : pointOfCell(cell.time, at, range, asking.nowMs);
  if (cell.breakdown === undefined) return personsOf(eventsSql({ ...selectionOf(question, cell.series, within, asking), columns: [ACTOR_COLUMNS] }), asking.identity);

  const { breakdown = [] } = question;
  const kept = breakdown.length === 0 ? [] : await keptGroups(question, plans, starts, asking);
  const group = groupOfCell(cell.breakdown, breakdown.length, kept);
  const rowsIn = (span: { fromMs: number; toMs: number }): string => eventsOfGroup(question, cell.series, span, kept, group, asking);
  const isShown = await Promise.all([asking.range, ...(earlier === undefined ? [] : [earlier])].map(async (each) => (await asking.query(`${rowsIn(each)} LIMIT 1`)).length > 0));
  if (!isShown.includes(true)) throw noSuchGroup(cell.breakdown);
  return personsOf(rowsIn(within), asking.identity);
}

function eventsOfGroup(question: Question, i: number, span: { fromMs: number; toMs: number }, kept: readonly GroupKey[], group: GroupKey, asking: Asking): string {
  const { breakdown = [] } = question;
  const columns = [ACTOR_COLUMNS, ...groupColumns(breakdown, 'events', 'breakdown'), ...keptColumns(breakdown.length, kept)];
  return `SELECT actor_user, actor_device FROM (${eventsSql({ ...selectionOf(question, i, span, asking), columns })}) WHERE ${inGroupSql(group)}`;
}
