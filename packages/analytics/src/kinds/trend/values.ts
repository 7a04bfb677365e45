/** The values that a trend shows of a range: those of its series, or of a formula; rolled, where that is asked for. */
import type { Asking } from '../../asking/asking.ts';
import { sameGroup, type GroupKey } from '../../events/breakdown.ts';
import type { Formula } from '../../measures/formula.ts';
import type { MeasurePlan } from '../../measures/measure.ts';
import type { Calendar } from './calendar.ts';
import type { Line, Lines } from './lines.ts';
import type { Question } from './question.ts';
import { daysOf } from './stickiness.ts';
import { linesOfAll } from './together.ts';

/** Lines of each series shown, of the groups with events in the range; those of the first series may be known. */
export async function valuesIn(question: Question, plans: readonly MeasurePlan[], formula: Formula | undefined, calendar: Calendar, kept: readonly GroupKey[], asking: Asking, ofFirst?: Lines): Promise<Lines[]> {
  const wanted = new Map(plans.entries());
  const { range } = calendar.before;
  const before = range.fromMs < range.toMs ? await linesOfAll(question, wanted, calendar.before, kept, asking) : new Map<number, Lines>();
  if (ofFirst !== undefined) wanted.delete(0);
  const now = await linesOfAll(question, wanted, calendar, kept, asking);
  const found = plans.map((_, i) => ({ lines: now.get(i) ?? ofFirst ?? new Map<string, Line>(), before: before.get(i) ?? new Map<string, Line>() }));
  for (const [i, { lines }] of found.entries()) {
    if (calendar.stickiness === undefined) break;
    const days = await daysOf(question, i, plans[i]!, { range: calendar.range, periods: calendar.stickiness }, kept, asking);
    for (const [id, line] of lines) line.days = days.get(id) ?? [];
  }
  const nothing = (length: number): Line => ({ total: 0, values: Array.from({ length }, () => 0) });
  const lineOf = (i: number, id: string): Line => {
    const line = found[i]!.lines.get(id) ?? nothing(calendar.starts.length);
    const { values } = found[i]!.before.get(id) ?? nothing(calendar.before.starts.length);
    return { ...line, values: [...values, ...line.values] };
  };
  const shown = (line: Line): Line => ({ ...line, values: rolled(line.values, question.rolling ?? 1) });
  if (formula === undefined) return found.map(({ lines }, i) => new Map([...lines.keys()].map((id) => [id, shown(lineOf(i, id))])));
  // Without a breakdown there is one group, also of nothing: a formula need not be 0 there.
  const ids = new Set([...((question.breakdown ?? []).length === 0 ? [sameGroup([])] : []), ...found.flatMap(({ lines }) => [...lines.keys()])]);
  return [new Map([...ids].map((id) => [id, shown(combined(plans.map((_, i) => lineOf(i, id)), formula))]))];
}

/** The formula applied point by point and to the totals. */
function combined(lines: readonly Line[], formula: Formula): Line {
  const values = lines[0]!.values.map((_, i) => formula(lines.map((line) => line.values[i]!)));
  return { total: formula(lines.map(({ total }) => total)), values };
}

/** Means of every `width` values that follow each other, added from the first. */
function rolled(values: readonly number[], width: number): number[] {
  return values.slice(width - 1).map((_, i) => values.slice(i, i + width).reduce((sum, value) => sum + value, 0) / width);
}
