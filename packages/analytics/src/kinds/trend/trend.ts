/** How much, how many, over time. */
import Type, { type Static } from 'typebox';
import type { Asking } from '../../asking/asking.ts';
import type { Reach } from '../../asking/reach.ts';
import type { Kind } from '../../kind.ts';
import type { Span } from '../../cache/stored.ts';
import { groupLabels, groupOrder, sameGroup } from '../../events/breakdown.ts';
import { readFormula } from '../../measures/formula.ts';
import { planMeasure } from '../../measures/measure.ts';
import type { TimeRange } from '../../time/range.ts';
import { formatTime } from '../../time/zone.ts';
import { calendarsOf, type Calendar } from './calendar.ts';
import { earlierRange } from './compare.ts';
import { keptGroups, type Line } from './lines.ts';
import { Cell, peopleOf, type TrendPlan } from './people.ts';
import { rankedLines } from './ranked.ts';
import { Question, refuseCombinations } from './question.ts';
import { shownDays, Stickiness } from './stickiness.ts';
import { valuesIn } from './values.ts';

const VALUES = {
  total: Type.Number(),
  points: Type.Array(
    Type.Object({ time: Type.String(), value: Type.Number(), unfinished: Type.Optional(Type.Literal(true, { description: 'its bucket ends after the time of asking' })) }),
  ),
  stickiness: Type.Optional(Stickiness),
};
const Values = Type.Object(VALUES);
const Answer = Type.Object({
  series: Type.Array(
    Type.Object({ label: Type.String(), breakdown: Type.Array(Type.String()), ...VALUES, compare: Type.Optional(Type.Object({ from: Type.String(), to: Type.String(), ...VALUES })) }),
  ),
});
type Answer = Static<typeof Answer>;

export const trend: Kind = {
  name: 'trend', summary: 'How much and how many, over time.', question: Question, answer: Answer, answerTo, reads, reach,
  people: { cell: Cell, peopleOf: (question: Question, cell: Cell, asking) => peopleOf(question, cell, planOf(question, asking), asking) },
};

async function answerTo(question: Question, asking: Asking): Promise<Answer> {
  const { measures, calendar, earlier } = planOf(question, asking);
  const formula = question.formula === undefined ? undefined : readFormula(question.formula, measures.length);
  const ofFirst = await rankedLines(question, measures[0]!, calendar, asking);
  const kept = await keptGroups(question, measures, calendar.starts, asking, ofFirst?.kept);
  const now = await valuesIn(question, measures, formula, calendar, kept, asking, ofFirst?.lines);
  const before = earlier === undefined ? undefined : await valuesIn(question, measures, formula, earlier, kept, asking);

  const order = groupOrder(kept, question.breakdown?.length ?? 0);
  const series = now.flatMap((lines, i) =>
    order.flatMap((group) => {
      const [line, past] = [lines.get(sameGroup(group)), before?.[i]?.get(sameGroup(group))];
      if (line === undefined && past === undefined && group.length > 0) return [];
      const shown = { label: labelOf(question, i), breakdown: groupLabels(group), ...shownValues(line, calendar, asking.nowMs) };
      if (earlier === undefined) return [shown];
      const { zone, fromMs, toMs } = earlier.range;
      return [{ ...shown, compare: { from: formatTime(zone, fromMs), to: formatTime(zone, toMs), ...shownValues(past, earlier, asking.nowMs) } }];
    }),
  );
  return { series };
}

/** Also the points before the range that a rolling average needs, and all of the last point. Periods of stickiness are shown whole, but hold nothing beyond the range. */
function reads(question: Question, range: TimeRange): Span {
  const calendars = calendarsIn(question, range);
  const { endMs } = calendars[0]!;
  return { fromMs: Math.min(...calendars.map(({ before }) => before.range.fromMs)), toMs: Math.max(endMs, range.toMs) };
}

/** Also of the points before the range that a rolling average needs, and of the range that it is compared with. */
function reach(question: Question, range: TimeRange): Reach {
  return { fromMs: reads(question, range).fromMs, toMs: range.toMs, aheadMs: 0 };
}

function planOf(question: Question, { range }: Asking): TrendPlan {
  refuseCombinations(question);
  // What several series read is read once.
  const names = new Map<string, string>();
  const nameOf = (sql: string): string => names.get(sql) ?? names.set(sql, `x${names.size}`).get(sql)!;
  const measures = question.series.map(({ measure }, i) => planMeasure((measure ?? 'events') as never, `series[${i}].measure`, nameOf));
  const [calendar, earlier] = calendarsIn(question, range);
  return { measures, calendar: calendar!, earlier };
}

/** Of the range, and of the one that it is compared with. */
function calendarsIn(question: Question, range: TimeRange): Calendar[] {
  const past = earlierRange(question, range);
  return calendarsOf(question, past === undefined ? [range] : [range, past]);
}

function labelOf({ series, formula }: Question, i: number): string {
  const event = series[i]?.event;
  return formula ?? series[i]?.label ?? (event === undefined ? 'Any event' : [event].flat().join(', '));
}

function shownValues(line: Line | undefined, { range, starts, endMs, stickiness }: Calendar, nowMs: number): Static<typeof Values> {
  const points = starts.map((start, i) => {
    const isUnfinished = (starts[i + 1] ?? endMs) > nowMs;
    return { time: formatTime(range.zone, start), value: line?.values[i] ?? 0, ...(isUnfinished && { unfinished: true as const }) };
  });
  return { total: line?.total ?? 0, points, ...(stickiness !== undefined && { stickiness: shownDays(line?.days, stickiness, range) }) };
}
