/** Draws a trend: bars over time, what it is compared with beside them, and on how many days people come. */
import { barRows, clip, figure, percent, sparkline } from './bars.ts';
import { finish, shortTime, type Meta } from './draw.ts';
import { groupName, tableRows } from './draw-tables.ts';

interface Values {
  total: number;
  points: { time: string; value: number }[];
  stickiness?: { time: string; users: number; meanDays: number; days: number[] }[];
}

type Series = Values & { label: string; breakdown: string[]; compare?: Values & { from: string; to: string } };

export interface TrendAnswer {
  series: Series[];
  meta: Meta;
}

/** One series as a bar a bucket; several as a bar and a sparkline each. What was before stands in brackets. */
export function drawTrend({ series, meta }: TrendAnswer, width: number): string {
  const [only] = series;
  const lines = only === undefined ? ['No series.'] : series.length === 1 ? drawOne(only, width) : drawSeveral(series, width);
  const sticky = series.flatMap((each) => (each.stickiness === undefined ? [] : ['', `${nameOf(each)}: on how many days`, ...drawStickiness(each.stickiness)]));
  return finish([...lines, ...sticky], meta);
}

function drawOne(series: Series, width: number): string[] {
  const { total, points, compare } = series;
  const rows = points.map(({ time, value }, i) => ({ label: shortTime(time), value, note: noteOf(value, compare?.points[i]?.value) }));
  const before = compare === undefined ? '' : `; ${figure(compare.total)} from ${shortTime(compare.from)} to ${shortTime(compare.to)}${changeOf(total, compare.total)}`;
  return [`${nameOf(series)}: ${figure(total)}${before}`, '', ...(rows.length === 0 ? [] : barRows(rows, width))];
}

function drawSeveral(series: readonly Series[], width: number): string[] {
  const bars = barRows(series.map((each) => ({ label: nameOf(each), value: each.total, note: noteOf(each.total, each.compare?.total) })), width);
  const names = series.map((each) => clip(nameOf(each), 40));
  const nameWidth = Math.max(...names.map((each) => each.length));
  const lines = series.map(({ points }, i) => `  ${names[i]!.padEnd(nameWidth)}  ${sparkline(points.map(({ value }) => value).slice(-(width - nameWidth - 4)))}`);
  return [...bars, '', ...lines];
}

/** Periods as rows, and in each people by their days: one day first. */
function drawStickiness(periods: NonNullable<Values['stickiness']>): string[] {
  const days = Math.max(...periods.map((period) => period.days.length));
  return tableRows([['', 'people', 'days each', `1 to ${days} days`], ...periods.map(({ time, users, meanDays, days: counts }) => [shortTime(time), figure(users), figure(meanDays), sparkline(counts).padEnd(days)])]);
}

function noteOf(value: number, before: number | undefined): string {
  return before === undefined ? figure(value) : `${figure(value)} (${figure(before)})`;
}

/** ` (+12.5 %)`; '' where there is nothing to compare with. */
function changeOf(total: number, before: number): string {
  return before === 0 ? '' : ` (${total < before ? '' : '+'}${percent(total / before - 1)})`;
}

function nameOf({ label, breakdown }: Series): string {
  return breakdown.length > 0 ? `${label} · ${groupName(breakdown)}` : label;
}
