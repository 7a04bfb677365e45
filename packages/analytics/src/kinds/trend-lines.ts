/** The series of a trend as SQL, and their values from its rows. */
import type { Asking } from '../ask.ts';
import { allUnsetSql, groupColumns, keptColumns, keyNames, sameGroup, type GroupKey } from '../breakdown.ts';
import { bucketSql } from '../buckets.ts';
import { eventsSql, type EventSelection } from '../events.ts';
import { measuredRows, type MeasurePlan } from '../measure.ts';
import type { TimeRange } from '../range.ts';
import { answerableBy } from '../rollups/answerable.ts';
import { ESTIMATED_USERS_SQL, estimatedPersonRows, EVENTS_SQL, eventRows, personRows, USERS_SQL, type CountedRows } from '../rollups/rows.ts';
import type { Question } from './trend-question.ts';
import { sessionRows } from './trend-sessions.ts';

/** The values of one group of one series. */
export interface Line {
  total: number;
  values: number[];
}

interface Source {
  /** FROM of the aggregates. */
  from: string;
  plan: MeasurePlan;
}

/** The events that series `i` selects in a range, without columns. */
export function selectionOf(question: Question, i: number, { fromMs, toMs }: Pick<TimeRange, 'fromMs' | 'toMs'>, { project }: Asking): EventSelection {
  const { event, where } = question.series[i] ?? {};
  return { project, fromMs, toMs, events: event, includeBots: question.includeBots ?? false, where: [[question.where, 'where'], [where, `series[${i}].where`]], columns: [] };
}

/** What is read of the events of series `i` in a range, with `columns` of which `keys` are grouped by; `starts` are its points'. */
async function sourceOf(question: Question, i: number, plan: MeasurePlan, range: TimeRange, starts: readonly number[], columns: CountedRows['columns'], keys: readonly string[], asking: Asking): Promise<Source> {
  const selection: EventSelection = { ...selectionOf(question, i, range, asking), columns: [...plan.columns, ...columns('events')] };
  if (plan.of === 'sessions') return { from: await sessionRows(selection, keys, asking), plan };
  const property = question.rollups === false ? undefined : answerableBy(question, i);
  const coverage = property === undefined ? undefined : await asking.rollups.take(property, range, starts);
  if (coverage === undefined) return { from: measuredRows(plan, eventsSql(selection), keys, asking.identity), plan };
  const counted: CountedRows = { selection, columns, keys, coverage };
  const [from, sql] = plan.of === 'persons' ? usersOf(counted, asking) : [eventRows(counted), EVENTS_SQL];
  return { from, plan: { ...plan, aggregates: [{ name: 'v', sql }] } };
}

function usersOf(counted: CountedRows, { identity, rollups }: Asking): [from: string, sql: string] {
  if (!counted.coverage.isSketched) return [personRows(counted, identity), USERS_SQL];
  rollups.noteEstimate();
  return [estimatedPersonRows(counted, identity), ESTIMATED_USERS_SQL];
}

/**
 * The groups to show (rule B2): the first series' greatest, and where these are fewer than the limit, the next series'.
 * All series show the same groups, so that a formula can combine them.
 */
export async function keptGroups(question: Question, plans: readonly MeasurePlan[], starts: readonly number[], asking: Asking): Promise<GroupKey[]> {
  const { breakdown = [], limit = 10 } = question;
  if (breakdown.length === 0) return [];
  const keys = keyNames(breakdown.length);
  const kept = new Map<string, GroupKey>();
  for (const [i, wanted] of plans.entries()) {
    const { from, plan } = await sourceOf(question, i, wanted, asking.range, starts, (table) => groupColumns(breakdown, table, 'breakdown'), keys, asking);
    const sql = `SELECT ${keys.join(', ')}, ${aggregatesSql(plan)}
FROM ${from}
WHERE NOT (${allUnsetSql(breakdown.length)})
GROUP BY ${keys.join(', ')}
ORDER BY ${plan.rank} DESC, ${keys.join(', ')}
LIMIT ${limit}`;
    for (const row of await asking.query<Record<string, string>>(sql)) {
      const group = keys.map((name) => row[name] ?? '');
      if (kept.size < limit) kept.set(sameGroup(group), group);
    }
    if (kept.size === limit) break;
  }
  return [...kept.values()];
}

function aggregatesSql(plan: MeasurePlan): string {
  return plan.aggregates.map(({ name, sql }) => `${sql} AS ${name}`).join(', ');
}

/** The lines of series `i` in a range, by `sameGroup` of their group; groups without events have none. */
export async function linesOf(question: Question, i: number, wanted: MeasurePlan, range: TimeRange, starts: readonly number[], kept: readonly GroupKey[], asking: Asking): Promise<Map<string, Line>> {
  const count = question.breakdown?.length ?? 0;
  const groups = Array.from({ length: count }, (_, at) => `g${at}`);
  const columns: CountedRows['columns'] = (table) => [`${bucketSql('time', starts)} AS bucket`, ...groupColumns(question.breakdown ?? [], table, 'breakdown'), ...keptColumns(count, kept)];
  const { from, plan } = await sourceOf(question, i, wanted, range, starts, columns, ['bucket', ...groups], asking);
  // The total has a row of its own: a user who came on two days is one user.
  const sets = [['bucket', ...groups], groups].map((set) => `(${set.join(', ')})`).join(', ');
  const sql = `SELECT ${['grouping(bucket) AS is_total', 'bucket', ...groups].join(', ')}, ${aggregatesSql(plan)}
FROM ${from}
GROUP BY GROUPING SETS (${sets})`;
  const lines = new Map<string, Line>();
  const place = new Map(starts.map((start, at) => [start - (starts[0] ?? 0), at]));
  for (const row of await asking.query<Record<string, unknown>>(sql)) {
    const id = sameGroup(groups.map((name) => String(row[name])));
    let line = lines.get(id);
    if (line === undefined) lines.set(id, (line = { total: 0, values: starts.map(() => 0) }));
    if (Number(row['is_total']) === 1) line.total = plan.value(row);
    else line.values[place.get(Number(row['bucket'])) ?? -1] = plan.value(row);
  }
  return lines;
}
