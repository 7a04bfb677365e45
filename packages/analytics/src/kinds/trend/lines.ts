/** The values of the series of a trend, group by group. */
import { aggregateSql, ofStatesSql, stateSql } from '../../measures/aggregate.ts';
import type { Asking } from '../../asking/asking.ts';
import { allUnsetSql, groupColumns, keyNames, sameGroup, withKept, type GroupKey } from '../../events/breakdown.ts';
import { bucketSql } from '../../time/buckets.ts';
import type { MeasurePlan, RowsPlan } from '../../measures/measure.ts';
import type { TimeRange } from '../../time/range.ts';
import type { Question } from './question.ts';
import { isOfEvents, selects, sourceOf, type Reading, type Source } from './source.ts';

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
 * The groups to show (rule B2): the first series' greatest (which may be known), and where these are fewer than the limit, the next
 * series'. All series show the same groups, so that a formula can combine them.
 */
export async function keptGroups(question: Question, plans: readonly MeasurePlan[], starts: readonly number[], asking: Asking, ofFirst?: readonly GroupKey[]): Promise<GroupKey[]> {
  const { breakdown = [], limit = 10 } = question;
  if (breakdown.length === 0) return [];
  const keys = keyNames(breakdown.length);
  const kept = new Map((ofFirst ?? []).map((group) => [sameGroup(group), group]));
  const seen = new Set<string | undefined>();
  for (const [i, wanted] of plans.entries()) {
    if (kept.size === limit) break;
    // A series that asks for the same events has no other groups.
    const selected = (await isOfEvents(question, i, wanted, { range: asking.range, starts }, asking)) ? selects(question, i) : undefined;
    if (seen.has(selected)) continue;
    if (selected !== undefined) seen.add(selected);
    if (i === 0 && ofFirst !== undefined) continue;
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
  }
  return [...kept.values()];
}

/** The columns `k0, …` of an event, and `groups`, made of these by `grouped`. */
export function groupingOf({ breakdown = [] }: Question, kept: readonly GroupKey[]): Required<Pick<Reading, 'columns' | 'grouped'>> & { groups: string[] } {
  return {
    groups: breakdown.map((_, at) => `g${at}`),
    columns: (table) => groupColumns(breakdown, table, 'breakdown'),
    grouped: (rows) => withKept(rows, breakdown.length, kept),
  };
}

/** A range with points at `starts`. */
export interface Points {
  range: TimeRange;
  starts: readonly number[];
}

/** The lines of series `i`. */
export async function linesOf(question: Question, i: number, wanted: MeasurePlan, points: Points, kept: readonly GroupKey[], asking: Asking): Promise<Lines> {
  const { groups, reading } = lineReading(question, points, kept);
  const source = await sourceOf(question, i, wanted, reading, asking);
  return linesOfRows(await linesFrom(source, groups, question, asking), source.plan.value, groups, points.starts, question);
}

/** What is read for lines: by point and group. */
export function lineReading(question: Question, { range, starts }: Points, kept: readonly GroupKey[]): { groups: string[]; reading: Reading } {
  const { groups, columns, grouped } = groupingOf(question, kept);
  return { groups, reading: { range, starts, columns: (table) => [`${bucketSql('time', starts)} AS bucket`, ...columns(table)], grouped, keys: ['bucket', ...groups] } };
}

/** Rows of a source by point and by its columns `groups`, with its aggregates. */
export async function linesFrom(source: Source<RowsPlan>, groups: readonly string[], { cumulative = false }: Question, asking: Asking): Promise<LineRow[]> {
  return asking.query(cumulative ? cumulativeSql(source, groups) : pointsSql(source, groups));
}

type LineRow = Record<string, unknown>;

/** The line of each group, of one number of each row. */
export function linesOfRows(rows: readonly LineRow[], numberIn: MeasurePlan['value'], groups: readonly string[], starts: readonly number[], { cumulative = false }: Question): Lines {
  const found: Lines = new Map();
  const place = new Map(starts.map((start, at) => [start - (starts[0] ?? 0), at]));
  for (const row of rows) {
    const id = sameGroup(groups.map((name) => String(row[name])));
    const line = found.get(id) ?? { total: 0, values: starts.map(() => 0) };
    found.set(id, line);
    const value = numberIn(row);
    if (Number(row['is_total']) === 1) line.total = value;
    // Rows come in order: what has been reached stays until the next.
    else if (cumulative) line.values.fill((line.total = value), place.get(Number(row['bucket'])));
    else line.values[place.get(Number(row['bucket'])) ?? -1] = value;
  }
  return found;
}

/** A row for each bucket and one for the whole: a user who came on two days is one user. Each row read is counted once, into its bucket's state. */
function pointsSql({ from, plan: { aggregates } }: Source<RowsPlan>, groups: readonly string[]): string {
  const results = aggregates.map((aggregate) => `${ofStatesSql(aggregate, stateOf(aggregate))} AS ${aggregate.name}`);
  const sets = [['bucket', ...groups], groups].map((set) => `(${set.join(', ')})`).join(', ');
  return `SELECT ${['grouping(bucket) AS is_total', 'bucket', ...groups, ...results].join(', ')}
FROM (${statesSql(from, aggregates, ['bucket', ...groups])})
GROUP BY GROUPING SETS (${sets})`;
}

/** A row for each bucket with events, of all up to its end; so each bucket's state is made and merged once (rule T11). */
function cumulativeSql({ from, plan: { aggregates } }: Source<RowsPlan>, groups: readonly string[]): string {
  const keys = ['bucket', ...groups];
  const results = aggregates.map((aggregate) => `${ofStatesSql(aggregate, stateOf(aggregate), 'so_far')} AS ${aggregate.name}`);
  return `SELECT ${[...keys, ...results].join(', ')}
FROM (${statesSql(from, aggregates, keys)})
WINDOW so_far AS (${groups.length === 0 ? '' : `PARTITION BY ${groups.join(', ')} `}ORDER BY bucket)
ORDER BY bucket`;
}

function statesSql(from: string, aggregates: MeasurePlan['aggregates'], keys: readonly string[]): string {
  const states = aggregates.map((aggregate) => `${stateSql(aggregate)} AS ${stateOf(aggregate)}`);
  return `SELECT ${[...keys, ...states].join(', ')} FROM ${from} GROUP BY ${keys.join(', ')}`;
}

function stateOf({ name }: MeasurePlan['aggregates'][number]): string {
  return `state_${name}`;
}

/** The aggregates over rows. */
export function aggregatesSql({ aggregates }: RowsPlan): string {
  return aggregates.map((aggregate) => `${aggregateSql(aggregate)} AS ${aggregate.name}`).join(', ');
}
