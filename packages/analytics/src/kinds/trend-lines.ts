/** The values of the series of a trend, group by group. */
import { aggregateSql, ofStatesSql, stateSql } from '../aggregate.ts';
import type { Asking } from '../ask.ts';
import { allUnsetSql, groupColumns, keptColumns, keyNames, sameGroup, type GroupKey } from '../breakdown.ts';
import { bucketSql } from '../buckets.ts';
import type { MeasurePlan } from '../measure.ts';
import type { TimeRange } from '../range.ts';
import type { Question } from './trend-question.ts';
import { sourceOf, type Source } from './trend-source.ts';

/** The values of one group of one series. */
export interface Line {
  total: number;
  values: number[];
  /** For each period of stickiness, how many people have how many days, one first. */
  days?: readonly (readonly number[])[];
}

/** By `sameGroup` of their group; groups without events have none. */
export type Lines = Map<string, Line>;

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
    const { from, plan } = await sourceOf(question, i, wanted, { range: asking.range, starts, columns: (table) => groupColumns(breakdown, table, 'breakdown'), keys }, asking);
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

/** The columns `k0, …` and `g0, …` of an event's group, of which the latter are grouped by. */
export function groupingOf({ breakdown = [] }: Question, kept: readonly GroupKey[]): { groups: string[]; columns: (table: 'events' | 'rollups') => string[] } {
  return {
    groups: breakdown.map((_, at) => `g${at}`),
    columns: (table) => [...groupColumns(breakdown, table, 'breakdown'), ...keptColumns(breakdown.length, kept)],
  };
}

/** The lines of series `i` in a range with points at `starts`. */
export async function linesOf(question: Question, i: number, wanted: MeasurePlan, { range, starts }: { range: TimeRange; starts: readonly number[] }, kept: readonly GroupKey[], asking: Asking): Promise<Lines> {
  const { groups, columns } = groupingOf(question, kept);
  const reading = { range, starts, columns: (table: 'events' | 'rollups') => [`${bucketSql('time', starts)} AS bucket`, ...columns(table)], keys: ['bucket', ...groups] };
  const source = await sourceOf(question, i, wanted, reading, asking);
  const lines: Lines = new Map();
  const place = new Map(starts.map((start, at) => [start - (starts[0] ?? 0), at]));
  const isCumulative = question.cumulative === true;
  for (const row of await asking.query<Record<string, unknown>>(isCumulative ? cumulativeSql(source, groups) : pointsSql(source, groups))) {
    const id = sameGroup(groups.map((name) => String(row[name])));
    let line = lines.get(id);
    if (line === undefined) lines.set(id, (line = { total: 0, values: starts.map(() => 0) }));
    const value = source.plan.value(row);
    if (Number(row['is_total']) === 1) line.total = value;
    // Rows come in order: what has been reached stays until the next.
    else if (isCumulative) line.values.fill((line.total = value), place.get(Number(row['bucket'])));
    else line.values[place.get(Number(row['bucket'])) ?? -1] = value;
  }
  return lines;
}

function pointsSql({ from, plan }: Source, groups: readonly string[]): string {
  // The total has a row of its own: a user who came on two days is one user.
  const sets = [['bucket', ...groups], groups].map((set) => `(${set.join(', ')})`).join(', ');
  return `SELECT ${['grouping(bucket) AS is_total', 'bucket', ...groups].join(', ')}, ${aggregatesSql(plan)}
FROM ${from}
GROUP BY GROUPING SETS (${sets})`;
}

/** A row for each bucket with events, of all up to its end; so each bucket's state is made and merged once (rule T11). */
function cumulativeSql({ from, plan: { aggregates } }: Source, groups: readonly string[]): string {
  const keys = ['bucket', ...groups].join(', ');
  const states = aggregates.map((aggregate) => `${stateSql(aggregate)} AS state_${aggregate.name}`);
  const results = aggregates.map((aggregate) => `${ofStatesSql(aggregate, `state_${aggregate.name}`, 'so_far')} AS ${aggregate.name}`);
  return `SELECT ${keys}, ${results.join(', ')}
FROM (SELECT ${keys}, ${states.join(', ')} FROM ${from} GROUP BY ${keys})
WINDOW so_far AS (${groups.length === 0 ? '' : `PARTITION BY ${groups.join(', ')} `}ORDER BY bucket)
ORDER BY bucket`;
}

function aggregatesSql({ aggregates }: MeasurePlan): string {
  return aggregates.map((aggregate) => `${aggregateSql(aggregate)} AS ${aggregate.name}`).join(', ');
}
