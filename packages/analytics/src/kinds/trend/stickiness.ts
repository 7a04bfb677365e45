/** On how many days of each week or month people did what a series selects (rule T13). */
import Type, { type Static } from 'typebox';
import type { Asking } from '../../asking/asking.ts';
import { sameGroup, type GroupKey } from '../../events/breakdown.ts';
import { bucketSql } from '../../time/buckets.ts';
import { eventsSql, type EventSelection } from '../../events/events.ts';
import { measuredRows, type MeasurePlan } from '../../measures/measure.ts';
import type { TimeRange } from '../../time/range.ts';
import { formatTime } from '../../time/zone.ts';
import type { Periods } from './calendar.ts';
import { groupingOf } from './lines.ts';
import type { Question } from './question.ts';
import { selectionOf } from './source.ts';

export const Stickiness = Type.Array(
  Type.Object({
    time: Type.String({ description: 'beginning of the week or month' }),
    users: Type.Integer(),
    meanDays: Type.Number({ description: 'days a user; 0 without users' }),
    days: Type.Array(Type.Integer(), { description: 'people with exactly one day, with exactly two, and so on' }),
  }),
);

/** By `sameGroup` of the group: for each period how many people have how many days, one first. */
export async function daysOf(question: Question, i: number, plan: MeasurePlan, { range, periods }: { range: TimeRange; periods: Periods }, kept: readonly GroupKey[], asking: Asking): Promise<Map<string, number[][]>> {
  const { groups, columns, grouped } = groupingOf(question, kept);
  const keys = ['period', ...groups];
  const selection = { ...selectionOf(question, i, range, asking), columns: [asking.naming.columns, `${bucketSql('time', periods.starts)} AS period`, ...columns('events')] };
  const sql = `SELECT ${keys.join(', ')}, days, count() AS users FROM (${personDaysSql(selection, { periods, keys, grouped }, plan, asking)}) GROUP BY ${keys.join(', ')}, days`;
  const found = new Map<string, number[][]>();
  const place = new Map(periods.starts.map((start, at) => [start - periods.starts[0]!, at]));
  for (const row of await asking.query<Record<string, unknown>>(sql)) {
    const id = sameGroup(groups.map((name) => String(row[name])));
    let counts = found.get(id);
    if (counts === undefined) found.set(id, (counts = periods.lengths.map((length) => Array.from({ length }, () => 0))));
    counts[place.get(Number(row['period']))!]![Number(row['days']) - 1] = Number(row['users']);
  }
  return found;
}

/** SELECT of the keys (among the selection's columns, and those that `grouped` adds), person and days, on how many of them. */
export function personDaysSql(selection: EventSelection, { periods: { days }, keys, grouped }: { periods: Periods; keys: readonly string[]; grouped: (rows: string) => string }, plan: MeasurePlan, asking: Asking): string {
  const rows = grouped(eventsSql({ ...selection, columns: [...selection.columns, `${bucketSql('time', days)} AS day`] }));
  return `SELECT ${[...keys, 'person'].join(', ')}, uniqExact(day) AS days FROM ${measuredRows(plan, rows, { keys: [...keys, 'day'], hasGroups: false }, asking)} GROUP BY ${[...keys, 'person'].join(', ')}`;
}

/** What is shown of a group: of none, periods of nobody. */
export function shownDays(counts: readonly (readonly number[])[] | undefined, { starts, lengths }: Periods, { zone }: TimeRange): Static<typeof Stickiness> {
  return starts.map((start, i) => {
    const days = Array.from({ length: lengths[i]! }, (_, at) => counts?.[i]?.[at] ?? 0);
    const users = days.reduce((sum, n) => sum + n, 0);
    const all = days.reduce((sum, n, at) => sum + n * (at + 1), 0);
    return { time: formatTime(zone, start), users, meanDays: users === 0 ? 0 : all / users, days };
  });
}
