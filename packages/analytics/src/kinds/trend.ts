/** How much, how many, over time. */
import Type, { type Static } from 'typebox';
import type { Asking, Kind } from '../ask.ts';
import { allUnsetSql, groupColumns, groupLabels, groupOrder, keptColumns, keyNames, sameGroup, type GroupKey } from '../breakdown.ts';
import { bucketSql, bucketStarts, GRANULARITIES } from '../buckets.ts';
import { durationMs } from '../duration.ts';
import { eventsSql } from '../events.ts';
import { readFormula } from '../formula.ts';
import { Measure, measuredRows, planMeasure, type MeasurePlan } from '../measure.ts';
import { QuestionError } from '../problem.ts';
import type { TimeRange } from '../range.ts';
import { BREAKDOWN, COMMON, Duration, EventNames, Where } from '../schema.ts';
import { formatTime } from '../zone.ts';

const MAX_POINTS = 10_000;
const MAX_POINTS_IN_ALL = 100_000;

const Question = Type.Object(
  {
    ...COMMON,
    ...BREAKDOWN,
    series: Type.Array(
      Type.Object(
        { event: Type.Optional(EventNames), measure: Type.Optional(Measure), where: Type.Optional(Where), label: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })) },
        { additionalProperties: false },
      ),
      { minItems: 1, maxItems: 26, description: '1 to 26 series' },
    ),
    granularity: Type.Optional(Type.Enum([...GRANULARITIES], { description: `one of ${GRANULARITIES.join(', ')}` })),
    compare: Type.Optional(Type.Union([Type.Literal('previous'), Duration], { description: '"previous", or a duration such as 7d' })),
    formula: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'a formula such as A/B' })),
  },
  { additionalProperties: false },
);
type Question = Static<typeof Question>;

const Points = Type.Array(Type.Object({ time: Type.String(), value: Type.Number() }));
const Answer = Type.Object({
  series: Type.Array(
    Type.Object({
      label: Type.String(),
      breakdown: Type.Array(Type.String()),
      total: Type.Number(),
      points: Points,
      compare: Type.Optional(Type.Object({ from: Type.String(), to: Type.String(), total: Type.Number(), points: Points })),
    }),
  ),
});
type Answer = Static<typeof Answer>;

export const trend: Kind = { name: 'trend', summary: 'How much and how many, over time.', question: Question, answer: Answer, answerTo };

/** The values of one group of one series. */
interface Line {
  group: GroupKey;
  total: number;
  values: number[];
}

async function answerTo(question: Question, asking: Asking): Promise<Answer> {
  const { range } = asking;
  const plans = question.series.map(({ measure }, i) => planMeasure((measure ?? 'events') as never, `series[${i}].measure`));
  const formula = question.formula === undefined ? undefined : readFormula(question.formula, plans.length);
  const starts = startsOf(question, range);
  const earlier = question.compare === undefined ? undefined : comparedRange(question.compare, range);
  const kept = await keptGroups(question, plans, asking);
  const lines = await Promise.all(plans.map((plan, i) => linesOf(question, i, plan, range, starts, kept, asking)));
  const labels = question.series.map(({ event, label }) => label ?? (event === undefined ? 'Any event' : [event].flat().join(', ')));
  let shown = formula === undefined ? lines.flatMap((of, i) => of.map((line) => ({ label: labels[i] ?? '', i, line }))) : combined(lines, formula, starts.length).map((line) => ({ label: question.formula ?? '', i: 0, line }));

  let compared: { starts: number[]; lines: Map<string, Line> } | undefined;
  if (earlier !== undefined) {
    const earlierStarts = startsOf(question, earlier);
    const found = await Promise.all(plans.map((plan, i) => linesOf(question, i, plan, earlier, earlierStarts, kept, asking)));
    const all = formula === undefined ? found : [combined(found, formula, earlierStarts.length)];
    compared = { starts: earlierStarts, lines: new Map(all.flatMap((of, i) => of.map((line) => [`${i}${sameGroup(line.group)}`, line] as const))) };
    // A group of which only the earlier range knows is shown with zeros.
    for (const [i, of] of all.entries()) {
      for (const { group } of of) {
        if (shown.some((other) => other.i === i && sameGroup(other.line.group) === sameGroup(group))) continue;
        shown.push({ label: formula === undefined ? (labels[i] ?? '') : (question.formula ?? ''), i, line: { group, total: 0, values: starts.map(() => 0) } });
      }
    }
    const order = new Map(groupOrder(kept, question.breakdown?.length ?? 0).map((group, rank) => [sameGroup(group), rank]));
    shown = shown.toSorted((a, b) => a.i - b.i || (order.get(sameGroup(a.line.group)) ?? 0) - (order.get(sameGroup(b.line.group)) ?? 0));
  }

  return {
    series: shown.map(({ label, i, line }) => {
      const before = compared?.lines.get(`${i}${sameGroup(line.group)}`);
      const series = { label, breakdown: groupLabels(line.group), total: line.total, points: pointsOf(range, starts, line.values) };
      if (compared === undefined || earlier === undefined) return series;
      const values = before?.values ?? compared.starts.map(() => 0);
      const compare = { from: formatTime(range.zone, earlier.fromMs), to: formatTime(range.zone, earlier.toMs), total: before?.total ?? 0, points: pointsOf(earlier, compared.starts, values) };
      return { ...series, compare };
    }),
  };
}

function pointsOf({ zone }: TimeRange, starts: readonly number[], values: readonly number[]): { time: string; value: number }[] {
  return starts.map((start, i) => ({ time: formatTime(zone, start), value: values[i] ?? 0 }));
}

function startsOf(question: Question, { zone, fromMs, toMs }: TimeRange): number[] {
  const starts = bucketStarts(zone, question.granularity ?? 'day', fromMs, toMs, MAX_POINTS);
  const groups = question.breakdown === undefined ? 1 : (question.limit ?? 10) + 2;
  if (starts.length <= MAX_POINTS && starts.length * groups * question.series.length <= MAX_POINTS_IN_ALL) return starts;
  throw new QuestionError({
    code: 'too_many_points', field: 'granularity', value: question.granularity,
    rule: `at most ${MAX_POINTS} points a series and ${MAX_POINTS_IN_ALL} in all`,
    detail: 'There would be too many points; ask for a coarser granularity, a shorter range or fewer groups.',
  });
}

function comparedRange(compare: string, { fromMs, toMs, zone }: TimeRange): TimeRange {
  const shift = compare === 'previous' ? toMs - fromMs : durationMs(compare);
  if (shift === undefined) throw new QuestionError({ code: 'invalid_value', field: 'compare', value: compare, rule: 'previous, or 1s to 366d', detail: 'compare must be previous or a duration from 1s to 366d.' });
  return { fromMs: fromMs - shift, toMs: toMs - shift, zone };
}

/** SELECT of the events of series `i` in a range, with the plan's columns and `more`. */
function rowsOf(question: Question, i: number, plan: MeasurePlan, range: TimeRange, more: string[], project: string): string {
  const series = question.series[i];
  return eventsSql({
    project,
    fromMs: range.fromMs,
    toMs: range.toMs,
    events: series?.event,
    includeBots: question.includeBots ?? false,
    where: [[question.where, 'where'], [series?.where, `series[${i}].where`]],
    columns: [...plan.columns, ...more],
  });
}

/**
 * The groups to show (rule B2): the first series' greatest, and where these are fewer than the limit, the next series'.
 * All series show the same groups, so that a formula can combine them.
 */
async function keptGroups(question: Question, plans: readonly MeasurePlan[], asking: Asking): Promise<GroupKey[]> {
  const { breakdown = [], limit = 10 } = question;
  if (breakdown.length === 0) return [];
  const keys = keyNames(breakdown.length);
  const kept = new Map<string, GroupKey>();
  for (const [i, plan] of plans.entries()) {
    const rows = rowsOf(question, i, plan, asking.range, groupColumns(breakdown, 'events', 'breakdown'), asking.project);
    const sql = `SELECT ${keys.join(', ')}, ${aggregatesSql(plan)}
FROM ${measuredRows(plan, rows, keys, asking.project)}
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

async function linesOf(question: Question, i: number, plan: MeasurePlan, range: TimeRange, starts: readonly number[], kept: readonly GroupKey[], asking: Asking): Promise<Line[]> {
  const count = question.breakdown?.length ?? 0;
  const groups = Array.from({ length: count }, (_, at) => `g${at}`);
  const columns = [`${bucketSql('time', starts)} AS bucket`, ...groupColumns(question.breakdown ?? [], 'events', 'breakdown'), ...keptColumns(count, kept)];
  const rows = rowsOf(question, i, plan, range, columns, asking.project);
  // The total has a row of its own: a user who came on two days is one user.
  const sets = [['bucket', ...groups], groups].map((set) => `(${set.join(', ')})`).join(', ');
  const sql = `SELECT ${['grouping(bucket) AS is_total', 'bucket', ...groups].join(', ')}, ${aggregatesSql(plan)}
FROM ${measuredRows(plan, rows, ['bucket', ...groups], asking.project)}
GROUP BY GROUPING SETS (${sets})`;
  const found = await asking.query<Record<string, unknown>>(sql);
  const lines = new Map<string, Line>();
  const place = new Map(starts.map((start, at) => [start - (starts[0] ?? 0), at]));
  for (const row of found) {
    const group = groups.map((name) => String(row[name]));
    const id = sameGroup(group);
    let line = lines.get(id);
    if (line === undefined) lines.set(id, (line = { group, total: 0, values: starts.map(() => 0) }));
    if (Number(row['is_total']) === 1) line.total = plan.value(row);
    else line.values[place.get(Number(row['bucket'])) ?? -1] = plan.value(row);
  }
  if (count === 0) return [lines.get('[]') ?? { group: [], total: 0, values: starts.map(() => 0) }];
  return groupOrder(kept, count).flatMap((group) => lines.get(sameGroup(group)) ?? []);
}

/** The formula applied to each group that any series has, point by point and to the totals. */
function combined(series: readonly Line[][], formula: (values: readonly number[]) => number, length: number): Line[] {
  const groups = new Map(series.flat().map(({ group }) => [sameGroup(group), group]));
  return [...groups].map(([id, group]) => {
    const lines = series.map((of) => of.find((line) => sameGroup(line.group) === id));
    const at = (read: (line: Line) => number | undefined): number => formula(lines.map((line) => (line === undefined ? 0 : (read(line) ?? 0))));
    return { group, total: at((line) => line.total), values: Array.from({ length }, (_, i) => at((line) => line.values[i])) };
  });
}
