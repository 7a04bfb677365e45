/** How many come back, and when. */
import Type, { type Static } from 'typebox';
import type { Asking } from '../../asking/asking.ts';
import type { Reach } from '../../asking/reach.ts';
import type { Kind } from '../../kind.ts';
import { groupLabels, keyNames } from '../../events/breakdown.ts';
import type { Span } from '../../cache/stored.ts';
import { EARLIEST_MS, type TimeRange } from '../../time/range.ts';
import { formatTime } from '../../time/zone.ts';
import { beginMs, endMs, periodsOf, type Periods } from './periods.ts';
import { Cell, peopleOf } from './people.ts';
import { columnLabel, Question } from './question.ts';
import { cellsSql, cohortMembersSql, OWN } from './sql.ts';

const Share = Type.Union([Type.Number(), Type.Null()]);
const Cohorts = Type.Array(
  Type.Object({
    start: Type.String({ description: 'beginning of the period in which they started' }),
    size: Type.Integer({ description: 'people who started' }),
    retained: Type.Array(Type.Union([Type.Integer(), Type.Null()]), { description: 'of these, who came back, by column; null = the column has not begun' }),
    rates: Type.Array(Share, { description: 'the same as shares of size' }),
    unfinishedFrom: Type.Union([Type.Integer(), Type.Null()], { description: 'the first column that has not ended; null = all have' }),
  }),
);
const Mean = Type.Object(
  { size: Type.Integer(), rates: Type.Array(Share) },
  { description: 'over the cohorts in which a column has ended, weighted by their sizes; null = these have nobody' },
);
const Answer = Type.Object({
  columns: Type.Array(Type.String(), { description: 'periods after the cohort\'s own, as 0 or 3-6' }),
  cohorts: Cohorts,
  mean: Mean,
  breakdowns: Type.Array(Type.Object({ breakdown: Type.Array(Type.String()), cohorts: Cohorts, mean: Mean })),
});
type Answer = Static<typeof Answer>;
type Table = Pick<Answer, 'cohorts' | 'mean'>;

export const retention: Kind = { name: 'retention', summary: 'How many come back, and when.', question: Question, answer: Answer, answerTo, reads, reach, people: { cell: Cell, peopleOf } };

async function answerTo(question: Question, asking: Asking): Promise<Answer> {
  const periods = periodsOf(question, asking.range);
  const rows = await asking.query<CellRow>(cellsSql(question, cohortMembersSql(question, periods, asking)));
  const keys = keyNames(question.breakdown?.length ?? 0);
  const groups = new Map<string, { key: string[]; cells: CellRow[] }>();
  for (const row of keys.length === 0 ? [] : rows) {
    const key = keys.map((name) => String(row[name]));
    const place = String(row.place);
    if (!groups.has(place)) groups.set(place, { key, cells: [] });
  }
  return {
    columns: periods.columns.map(columnLabel),
    ...tableOf(question, rows, periods, asking),
    breakdowns: [...groups].map(([place, { key }]) => ({
      breakdown: groupLabels(key), ...tableOf(question, rows.filter((row) => String(row.place) === place), periods, asking),
    })),
  };
}

/** Who starts for the first time did not before; who comes back ever after may still do so. */
function reads(question: Question, range: TimeRange): Span | undefined {
  if (question.mode === 'on_or_after') return undefined;
  return { fromMs: question.entry === 'recurring' ? range.fromMs : EARLIEST_MS, toMs: Math.max(range.toMs, periodsOf(question, range).starts.at(-1)!) };
}

function reach(question: Question, range: TimeRange): Reach {
  const fromMs = question.entry === 'recurring' ? range.fromMs : EARLIEST_MS;
  return { fromMs, toMs: range.toMs, aheadMs: (reads(question, range)?.toMs ?? Infinity) - range.toMs };
}

interface CellRow {
  [key: string]: unknown;
  place?: number;
  cohort: number;
  column: number;
  n: number;
}

/** The cohorts and their mean from the cells of one group, or of all groups: nobody is in two groups of a cohort. */
function tableOf({ mode }: Question, rows: readonly CellRow[], periods: Periods, { range, nowMs }: Asking): Table {
  const { columns, cohorts: count, starts } = periods;
  const sizes = Array.from({ length: count }, () => 0);
  const people = sizes.map(() => columns.map(() => 0));
  for (const row of rows) {
    const [cohort, column, n] = [Number(row.cohort), Number(row.column), Number(row.n)];
    if (column === OWN) sizes[cohort]! += n;
    else if (mode !== 'on_or_after') people[cohort]![column]! += n;
    // Whoever came in this column or later counts for each one before, too.
    else for (let before = 0; before <= column; before++) people[cohort]![before]! += n;
  }
  const cohorts = sizes.map((size, cohort) => {
    const retained = columns.map((_, column) => (beginMs(periods, cohort, column) <= nowMs ? people[cohort]![column]! : null));
    const unfinishedFrom = columns.findIndex((_, column) => endMs(periods, cohort, column) > nowMs);
    return {
      start: formatTime(range.zone, starts[cohort]!),
      size,
      retained,
      rates: retained.map((n) => (n === null ? null : size === 0 ? 0 : n / size)),
      unfinishedFrom: unfinishedFrom < 0 ? null : unfinishedFrom,
    };
  });
  const rates = columns.map((_, column) => {
    const ended = sizes.map((_size, cohort) => cohort).filter((cohort) => endMs(periods, cohort, column) <= nowMs);
    const size = ended.reduce((sum, cohort) => sum + sizes[cohort]!, 0);
    return size === 0 ? null : ended.reduce((sum, cohort) => sum + people[cohort]![column]!, 0) / size;
  });
  return { cohorts, mean: { size: sizes.reduce((sum, size) => sum + size, 0), rates } };
}
