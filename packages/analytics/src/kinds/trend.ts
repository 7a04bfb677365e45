/** How much, how many, over time. */
import Type, { type Static } from 'typebox';
import type { Asking, Kind } from '../ask.ts';
import { groupLabels, groupOrder, sameGroup } from '../breakdown.ts';
import { durationMs } from '../duration.ts';
import { readFormula, type Formula } from '../formula.ts';
import { planMeasure, type MeasurePlan } from '../measure.ts';
import { QuestionError } from '../problem.ts';
import { EARLIEST_MS, type TimeRange } from '../range.ts';
import { formatTime } from '../zone.ts';
import { pointStarts } from './points.ts';
import { keptGroups, linesOf, type Line } from './trend-lines.ts';
import { Cell, peopleOf } from './trend-people.ts';
import { Question } from './trend-question.ts';

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

export const trend: Kind = {
  name: 'trend', summary: 'How much and how many, over time.', question: Question, answer: Answer, answerTo,
  people: { cell: Cell, peopleOf: (question: Question, cell: Cell, asking) => peopleOf(question, cell, plansOf(question), earlierRange(question, asking.range), asking) },
};

async function answerTo(question: Question, asking: Asking): Promise<Answer> {
  const plans = plansOf(question);
  const formula = question.formula === undefined ? undefined : readFormula(question.formula, plans.length);
  const earlier = earlierRange(question, asking.range);
  const starts = pointStarts(question, asking.range, plans.length);
  const kept = await keptGroups(question, plans, starts, asking);

  /** Lines of each series shown, by group. */
  const shownIn = async (range: TimeRange, at: readonly number[]): Promise<Map<string, Line>[]> => {
    const series: Map<string, Line>[] = [];
    // One after another: a question of many series must not hold all connections of the warehouse.
    for (const [i, plan] of plans.entries()) series.push(await linesOf(question, i, plan, range, at, kept, asking));
    return formula === undefined ? series : [combined(series, formula, at.length)];
  };
  const now = await shownIn(asking.range, starts);
  const earlierStarts = earlier === undefined ? [] : pointStarts(question, earlier, plans.length);
  const before = earlier === undefined ? undefined : await shownIn(earlier, earlierStarts);

  const order = groupOrder(kept, question.breakdown?.length ?? 0);
  const series = now.flatMap((lines, i) =>
    order.flatMap((group) => {
      const [line, past] = [lines.get(sameGroup(group)), before?.[i]?.get(sameGroup(group))];
      if (line === undefined && past === undefined && group.length > 0) return [];
      const shown = { label: labelOf(question, i), breakdown: groupLabels(group), ...valuesOf(line, asking.range, starts) };
      if (earlier === undefined) return [shown];
      const { zone, fromMs, toMs } = earlier;
      return [{ ...shown, compare: { from: formatTime(zone, fromMs), to: formatTime(zone, toMs), ...valuesOf(past, earlier, earlierStarts) } }];
    }),
  );
  return { series };
}

function plansOf({ series }: Question): MeasurePlan[] {
  return series.map(({ measure }, i) => planMeasure((measure ?? 'events') as never, `series[${i}].measure`));
}

function labelOf({ series, formula }: Question, i: number): string {
  const event = series[i]?.event;
  return formula ?? series[i]?.label ?? (event === undefined ? 'Any event' : [event].flat().join(', '));
}

function valuesOf(line: Line | undefined, { zone }: TimeRange, starts: readonly number[]): { total: number; points: { time: string; value: number }[] } {
  return { total: line?.total ?? 0, points: starts.map((start, i) => ({ time: formatTime(zone, start), value: line?.values[i] ?? 0 })) };
}

function earlierRange({ compare }: Question, { fromMs, toMs, zone }: TimeRange): TimeRange | undefined {
  if (compare === undefined) return undefined;
  const shift = compare === 'previous' ? toMs - fromMs : durationMs(compare);
  if (shift !== undefined && fromMs - shift >= EARLIEST_MS) return { fromMs: fromMs - shift, toMs: toMs - shift, zone };
  throw new QuestionError({
    code: 'invalid_value', field: 'compare', value: compare, rule: 'previous, or 1s to 366d; not before 1900',
    detail: 'compare must be previous or a duration from 1s to 366d, and not reach back before 1900.',
  });
}

/** The formula applied to each group that any series has, point by point and to the totals. */
function combined(series: readonly Map<string, Line>[], formula: Formula, length: number): Map<string, Line> {
  const groups = new Set(series.flatMap((lines) => [...lines.keys()]));
  const applied = (id: string, read: (line: Line) => number | undefined): number => formula(series.map((lines) => read(lines.get(id) ?? NOTHING) ?? 0));
  return new Map(
    [...groups].map((id) => [id, { total: applied(id, ({ total }) => total), values: Array.from({ length }, (_, i) => applied(id, ({ values }) => values[i])) }]),
  );
}

const NOTHING: Line = { total: 0, values: [] };
