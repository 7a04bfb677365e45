/** What a trend reads of the events of its series: of the events themselves, their sessions, or rollups. */
import type { Asking } from '../../asking/asking.ts';
import { eventsSql, type EventSelection } from '../../events/events.ts';
import { measuredRows, type MeasurePlan, type RowsPlan } from '../../measures/measure.ts';
import type { TimeRange } from '../../time/range.ts';
import { answerableBy } from '../../rollups/answerable.ts';
import type { Coverage } from '../../rollups/coverage.ts';
import { ESTIMATED_USERS, estimatedPersonRows, EVENTS, eventRows, personRows, USERS, type CountedRows } from '../../rollups/rows.ts';
import type { Question } from './question.ts';
import { sessionRows } from './sessions.ts';

export interface Source<Plan extends RowsPlan = MeasurePlan> {
  /** FROM of the aggregates. */
  from: string;
  plan: Plan;
  isOfRollups: boolean;
}

/** Which columns are read of the events of a range. */
export interface Reading {
  range: TimeRange;
  /** Starts of the points that the columns tell. */
  starts: readonly number[];
  columns: CountedRows['columns'];
  /** Rows with these columns, and more that are made of them. */
  grouped?: (rows: string) => string;
  /** Names of those of all these columns that are grouped by. */
  keys: readonly string[];
}

/** The events that series `i` selects in a range, without columns. */
export function selectionOf(question: Question, i: number, { fromMs, toMs }: Pick<TimeRange, 'fromMs' | 'toMs'>, { project }: Asking): EventSelection {
  const { event, where } = question.series[i] ?? {};
  return { project, fromMs, toMs, events: event, includeBots: question.includeBots ?? false, where: [[question.where, 'where'], [where, `series[${i}].where`]], columns: [] };
}

/** Two series for which it is the same select the same events. */
export function selects({ series }: Question, i: number): string {
  const { event, where } = series[i] ?? {};
  return JSON.stringify([event, where]);
}

/** What is read of the events of series `i`, or of rollups of them. */
export async function sourceOf(question: Question, i: number, plan: MeasurePlan, reading: Reading, asking: Asking): Promise<Source> {
  const coverage = await coverageFor(question, i, plan, reading, asking);
  if (coverage === undefined) return eventsSource(question, i, plan, reading, asking);
  const { columns, grouped = asTheyAre, keys } = reading;
  const counted: CountedRows = { selection: columnsOf(question, i, plan, reading, asking), columns, grouped, keys, coverage };
  const [from, aggregate] = plan.of === 'persons' ? usersOf(counted, asking) : [eventRows(counted), EVENTS];
  return { from, plan: { ...plan, aggregates: [{ name: 'v', ...aggregate }] }, isOfRollups: true };
}

/** What is read of the events of series `i` themselves, and of their sessions. */
export async function eventsSource<Plan extends RowsPlan>(question: Question, i: number, plan: Plan, reading: Reading, asking: Asking): Promise<Source<Plan>> {
  const { grouped = asTheyAre, keys } = reading;
  const selection = columnsOf(question, i, plan, reading, asking);
  if (plan.of === 'sessions') return { from: await sessionRows(selection, { keys, grouped }, asking), plan, isOfRollups: false };
  const rows = grouped(eventsSql(selection));
  return { from: measuredRows(plan, rows, { keys, hasGroups: (question.breakdown ?? []).length > 0 }, asking), plan, isOfRollups: false };
}

/** Is series `i` answered without rollups? */
export async function isOfEvents(question: Question, i: number, plan: MeasurePlan, points: Pick<Reading, 'range' | 'starts'>, asking: Asking): Promise<boolean> {
  return (await coverageFor(question, i, plan, points, asking)) === undefined;
}

async function coverageFor(question: Question, i: number, plan: MeasurePlan, { range, starts }: Pick<Reading, 'range' | 'starts'>, asking: Asking): Promise<Coverage | undefined> {
  const property = plan.of !== 'sessions' && mayCountRollups(question, plan) ? answerableBy(question, i) : undefined;
  return property === undefined ? undefined : asking.rollups.take(property, range, starts);
}

function columnsOf(question: Question, i: number, plan: RowsPlan, { range, columns }: Reading, asking: Asking): EventSelection {
  return { ...selectionOf(question, i, range, asking), columns: [...(plan.of === 'persons' ? [asking.naming.columns] : []), ...plan.columns, ...columns('events')] };
}

/** What is estimated from sketches can't be added up point by point, so that people are not counted of rollups (rule T11). */
function mayCountRollups({ rollups, cumulative }: Question, { of }: MeasurePlan): boolean {
  return rollups !== false && (cumulative !== true || of === 'events');
}

function usersOf(counted: CountedRows, { identity, rollups }: Asking): [string, typeof USERS] {
  if (!counted.coverage.isSketched) return [personRows(counted, identity), USERS];
  rollups.noteEstimate();
  return [estimatedPersonRows(counted, identity), ESTIMATED_USERS];
}

function asTheyAre(rows: string): string {
  return rows;
}
