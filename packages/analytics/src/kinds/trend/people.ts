/** The people behind a number of a trend (rule K5). */
import Type, { type Static } from 'typebox';
import type { Asking } from '../../asking/asking.ts';
import { CellGroup, groupOfCell, inGroupSql, noSuchGroup } from '../../events/breakdown.ts';
import { CellTime, noSuch, pointOfCell } from '../../question/cell.ts';
import { eventsSql, type EventSelection } from '../../events/events.ts';
import type { MeasurePlan } from '../../measures/measure.ts';
import { personsOf } from '../../identity/person.ts';
import { QuestionError } from '../../question/problem.ts';
import type { Calendar, Periods } from './calendar.ts';
import { groupingOf, keptGroups } from './lines.ts';
import type { Question } from './question.ts';
import { selectionOf } from './source.ts';
import { personDaysSql } from './stickiness.ts';

export const Cell = Type.Object(
  {
    series: Type.Integer({ minimum: 0, description: 'number of the series, from 0' }),
    time: Type.Optional(CellTime),
    breakdown: Type.Optional(CellGroup),
    compare: Type.Optional(Type.Boolean({ description: 'true = in the earlier range' })),
    days: Type.Optional(Type.Integer({ minimum: 1, description: 'with exactly so many days in the week or month of stickiness that begins at time' })),
  },
  { additionalProperties: false },
);
export type Cell = Static<typeof Cell>;

/** What a trend has to compute, checked. */
export interface TrendPlan {
  measures: readonly MeasurePlan[];
  calendar: Calendar;
  /** Of the range that is compared with. */
  earlier: Calendar | undefined;
}

interface Span {
  fromMs: number;
  toMs: number;
}

/** SELECT of the people with a selected event in the cell. */
export async function peopleOf(question: Question, cell: Cell, { measures, calendar, earlier }: TrendPlan, asking: Asking): Promise<string> {
  if (question.formula !== undefined) {
    throw new QuestionError({ code: 'unsupported_combination', field: 'cell.series', value: cell.series, rule: 'a series of its own', detail: 'A formula stands in place of the series: nobody did it. Ask for the people of a series without the formula.' });
  }
  if (cell.series >= measures.length) throw noSuch('series', cell.series, `a number from 0 to ${measures.length - 1}`);
  const asked = cell.compare === true ? earlier : calendar;
  if (asked === undefined) throw noSuch('compare', cell.compare, 'absent where the question does not compare');
  const spans = cell.days === undefined ? spansOf(question, cell.time, asked, asking.nowMs) : [asked.range];

  const { breakdown = [] } = question;
  const kept = breakdown.length === 0 || cell.breakdown === undefined ? [] : await keptGroups(question, measures, calendar.starts, asking);
  const group = cell.breakdown === undefined ? [] : groupOfCell(cell.breakdown, breakdown.length, kept);
  const { groups, columns, grouped } = groupingOf(cell.breakdown === undefined ? { ...question, breakdown: [] } : question, kept);
  const selected = (span: Span): EventSelection => ({ ...selectionOf(question, cell.series, span, asking), columns: [asking.naming.columns, ...columns('events')] });
  const rowsIn = (span: Span): string => `SELECT ${asking.naming.actor} FROM (${grouped(eventsSql(selected(span)))}) WHERE ${inGroupSql(group)}`;
  if (cell.breakdown !== undefined) {
    const isShown = await Promise.all([calendar, ...(earlier === undefined ? [] : [earlier])].map(async ({ range }) => (await asking.query(`${rowsIn(range)} LIMIT 1`)).length > 0));
    if (!isShown.includes(true)) throw noSuchGroup(cell.breakdown);
  }
  if (cell.days === undefined) return personsOf(spans.map(rowsIn).join('\nUNION ALL\n'), asking.identity);
  const { span, periods } = periodOfCell(cell, asked, asking.nowMs);
  const days = personDaysSql(selected(span), { periods, keys: groups, grouped }, measures[cell.series]!, asking);
  return `SELECT person FROM (${days}) WHERE days = ${cell.days} AND ${inGroupSql(group)}`;
}

/** The parts of time in which whoever did it counts: of a rolling average its buckets, of a cumulative point all up to its end. */
function spansOf({ rolling = 1, cumulative }: Question, time: string | undefined, { range, starts, before }: Calendar, nowMs: number): Span[] {
  if (time === undefined) return [range];
  const point = pointOfCell(time, starts, range, nowMs);
  if (cumulative === true) return [{ fromMs: range.fromMs, toMs: point.toMs }];
  if (rolling === 1) return [point];
  const i = starts.findLastIndex((start) => start <= point.fromMs);
  const within = { fromMs: Math.max(starts[Math.max(0, i + 1 - rolling)]!, range.fromMs), toMs: point.toMs };
  const earlyMs = before.starts[i];
  return earlyMs === undefined ? [within] : [{ fromMs: Math.max(earlyMs, before.range.fromMs), toMs: before.range.toMs }, within];
}

/** The part of the range that lies in the period of stickiness at the cell's time. */
function periodOfCell({ time, days = 0 }: Cell, { range, stickiness }: Calendar, nowMs: number): { span: Span; periods: Periods } {
  if (stickiness === undefined) throw noSuch('days', days, 'absent where the question does not ask for stickiness');
  if (time === undefined) throw new QuestionError({ code: 'missing_field', field: 'cell.time', rule: 'beside cell.days', detail: 'cell.days is of one week or month: give its time as stickiness shows it.' });
  const span = pointOfCell(time, stickiness.starts, range, nowMs);
  const length = stickiness.lengths[stickiness.starts.findLastIndex((start) => start <= span.fromMs)]!;
  if (days > length) throw noSuch('days', days, `a number from 1 to ${length}`);
  return { span, periods: stickiness };
}
