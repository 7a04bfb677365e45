/** What a trend reads of the events of its series: of the events themselves, their sessions, or rollups. */
import type { Asking } from '../asking.ts';
import { eventsSql, type EventSelection } from '../events.ts';
import { measuredRows, type MeasurePlan } from '../measure.ts';
import type { TimeRange } from '../range.ts';
import { answerableBy } from '../rollups/answerable.ts';
import { ESTIMATED_USERS, estimatedPersonRows, EVENTS, eventRows, personRows, USERS, type CountedRows } from '../rollups/rows.ts';
import type { Question } from './trend-question.ts';
import { sessionRows } from './trend-sessions.ts';

export interface Source {
  /** FROM of the aggregates. */
  from: string;
  plan: MeasurePlan;
  isOfRollups: boolean;
}

/** Which columns are read of the events of a range. */
export interface Reading {
  range: TimeRange;
  /** Starts of the points that the columns tell. */
  starts: readonly number[];
  columns: CountedRows['columns'];
  /** Names of those columns that are grouped by. */
  keys: readonly string[];
}

/** The events that series `i` selects in a range, without columns. */
export function selectionOf(question: Question, i: number, { fromMs, toMs }: Pick<TimeRange, 'fromMs' | 'toMs'>, { project }: Asking): EventSelection {
  const { event, where } = question.series[i] ?? {};
  return { project, fromMs, toMs, events: event, includeBots: question.includeBots ?? false, where: [[question.where, 'where'], [where, `series[${i}].where`]], columns: [] };
}

/** What is read of the events of series `i`. */
export async function sourceOf(question: Question, i: number, plan: MeasurePlan, { range, starts, columns, keys }: Reading, asking: Asking): Promise<Source> {
  const selection: EventSelection = { ...selectionOf(question, i, range, asking), columns: [...(plan.of === 'persons' ? [asking.naming.columns] : []), ...plan.columns, ...columns('events')] };
  if (plan.of === 'sessions') return { from: await sessionRows(selection, keys, asking), plan, isOfRollups: false };
  const property = mayCountRollups(question, plan) ? answerableBy(question, i) : undefined;
  const coverage = property === undefined ? undefined : await asking.rollups.take(property, range, starts);
  if (coverage === undefined) return { from: measuredRows(plan, eventsSql(selection), { keys, hasGroups: (question.breakdown ?? []).length > 0 }, asking), plan, isOfRollups: false };
  const counted: CountedRows = { selection, columns, keys, coverage };
  const [from, aggregate] = plan.of === 'persons' ? usersOf(counted, asking) : [eventRows(counted), EVENTS];
  return { from, plan: { ...plan, aggregates: [{ name: 'v', ...aggregate }] }, isOfRollups: true };
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
