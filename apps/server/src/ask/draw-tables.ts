/** Draws answers that are tables: retention as cohorts by columns, attribution as groups by models, the rows of SQL. */
import { clip, counted, figure, percent } from './bars.ts';
import { finish, type Meta } from './draw.ts';

interface Cohorts {
  cohorts: { start: string; size: number; rates: (number | null)[]; unfinishedFrom: number | null }[];
  mean: { size: number; rates: (number | null)[] };
}

export type RetentionAnswer = Cohorts & { columns: string[]; breakdowns: (Cohorts & { breakdown: string[] })[]; meta: Meta };

export interface AttributionAnswer {
  conversions: number;
  value: number;
  users: number;
  withoutTouch: number;
  breakdowns: { breakdown: string[]; models: Record<string, { conversions: number; value: number }> }[];
  meta: Meta;
}

/** Shares by cohort; `*` marks columns that have not ended. */
export function drawRetention({ columns, breakdowns, meta, ...whole }: RetentionAnswer): string {
  const lines = drawCohorts(columns, whole);
  for (const { breakdown, ...own } of breakdowns) lines.push('', groupName(breakdown), ...drawCohorts(columns, own));
  return finish(lines, meta);
}

function drawCohorts(columns: readonly string[], { cohorts, mean }: Cohorts): string[] {
  const share = (rate: number | null): string => (rate === null ? '' : percent(rate));
  return tableRows([
    ['', 'people', ...columns],
    ...cohorts.map(({ start, size, rates, unfinishedFrom }) => [
      start.slice(0, 10), figure(size), ...rates.map((rate, i) => (rate !== null && unfinishedFrom !== null && i >= unfinishedFrom ? `${share(rate)}*` : share(rate))),
    ]),
    ['mean', figure(mean.size), ...mean.rates.map(share)],
  ]);
}

/** Conversions by model, and their value where they have any. */
export function drawAttribution({ conversions, value, users, withoutTouch, breakdowns, meta }: AttributionAnswer): string {
  const models = Object.keys(breakdowns[0]?.models ?? {});
  const shown = (given: { conversions: number; value: number } | undefined): string => (given === undefined ? '' : value === 0 ? figure(given.conversions) : `${figure(given.conversions)} (${figure(given.value)})`);
  const lines = [`${counted(conversions, 'conversion')} of ${counted(users, 'person', 'people')}${value === 0 ? '' : `, worth ${figure(value)}`}; ${figure(withoutTouch)} without a touch`];
  if (breakdowns.length > 0) lines.push('', ...tableRows([['', ...models], ...breakdowns.map((group) => [clip(group.breakdown.join(' · '), 40), ...models.map((model) => shown(group.models[model]))])]));
  return finish(lines, meta);
}

export interface RowsAnswer {
  columns?: { name: string }[];
  rows?: unknown[][];
  estimatedRows?: number;
  meta: Meta;
}

/** Rows as they come; texts plain, everything else as JSON. */
export function drawRows({ columns = [], rows = [], estimatedRows, meta }: RowsAnswer): string {
  if (estimatedRows !== undefined) return finish([`It would read ${counted(estimatedRows, 'row')}.`], meta);
  const shown = (value: unknown): string => clip(typeof value === 'string' ? value : JSON.stringify(value), 60);
  return finish(columns.length === 0 ? [] : tableRows([columns.map(({ name }) => clip(name, 60)), ...rows.map((row) => row.map(shown))]), meta);
}

/** What a group is called. */
export function groupName(breakdown: readonly string[]): string {
  return breakdown.map((each) => clip(each, 40)).join(' · ');
}

/** Cells in aligned columns, the first to the left, the others to the right. */
export function tableRows(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows.map((row) => `  ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ')}`.trimEnd());
}
