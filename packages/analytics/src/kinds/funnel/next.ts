/** What people of a funnel did next (rule F16). */
import { literal } from '@tidemark/warehouse';
import type { Asking } from '../../asking/asking.ts';
import { ORDER_SQL } from '../../chain/chain.ts';
import { valuesOfOrderedText, orderedText } from '../../events/ordered-text.ts';
import { askedEvents, cameTo, funnelPeople } from './people.ts';
import type { FunnelPlan } from './plan.ts';
import type { Question } from './question.ts';

/** The names that the answer lists, how many people each has, and how many did anything else, or nothing. */
export interface NextEvents {
  names: readonly { event: string; users: number }[];
  others: number;
  dropOff: number;
}

/** SELECT of person and next, the name of what each person asked about did next, '' for nothing within the window. */
export function nextSql(question: Question, plan: FunnelPlan, next: NonNullable<FunnelPlan['next']>, asking: Asking): string {
  const from = `SELECT person, mark, t${next.reached} AS since FROM (${funnelPeople(question, plan, undefined, asking, next.reached)}) WHERE ${cameTo(next)}`;
  // An event of a chain may come a window after its start, and what follows it another one later.
  const rows = askedEvents(question, plan, asking, { names: undefined, windows: 2, columns: ['event_name'] });
  const { naming } = asking;
  const actors = `SELECT ${naming.actor}, ${naming.person} AS person FROM (SELECT DISTINCT ${naming.actor} FROM (${rows})) AS actors ${naming.join(asking.identity)}`;
  const asked = `SELECT ${naming.actor}, of.person AS person, mark, since FROM (${actors}) AS of INNER JOIN (${from}) AS chains ON of.person = chains.person`;
  const isAfter = '(place > mark.1 OR (place = mark.1 AND event_id > mark.2))';
  const [name] = valuesOfOrderedText('first', 1);
  // Nobody is lost by WHERE: the event that is followed lies within.
  return `SELECT person, ${name} AS next FROM (SELECT person, minIf(${orderedText('place', ['event_name'])}, ${isAfter}) AS first
FROM (SELECT ${naming.actor}, at, event_id, event_name, ${ORDER_SQL} AS place FROM (${rows})) AS events
INNER JOIN (${asked}) AS asked USING (${naming.actor}) WHERE toInt64(at) - since BETWEEN 0 AND ${plan.windowMs}
GROUP BY person)`;
}

export async function readNext(sql: string, limit: number, { query }: Pick<Asking, 'query'>): Promise<NextEvents> {
  const rows = await query<{ next: string; users: number; all: number }>(
    `SELECT next, count() AS users, sum(users) OVER () AS all FROM (${sql}) GROUP BY next ORDER BY next = '' DESC, users DESC, next LIMIT ${limit + 1}`,
  );
  const dropOff = Number(rows.find(({ next }) => next === '')?.users ?? 0);
  const names = rows.filter(({ next }) => next !== '').slice(0, limit).map(({ next, users }) => ({ event: next, users: Number(users) }));
  return { names, dropOff, others: names.reduce((rest, { users }) => rest - users, Number(rows[0]?.all ?? 0) - dropOff) };
}

const OTHERS = 'other';
const DROP_OFF = 'drop-off';

export function listed({ names, others, dropOff }: NextEvents): { event: string; users: number }[] {
  return [...names, ...(others > 0 ? [{ event: OTHERS, users: others }] : []), ...(dropOff > 0 ? [{ event: DROP_OFF, users: dropOff }] : [])];
}

/** Condition on `next` for one entry of the list; undefined when there is none of this name. */
export function didNext(name: string | { value: string }, { names, others, dropOff }: NextEvents): string | undefined {
  const event = typeof name === 'string' ? name : name.value;
  const isSummary = typeof name === 'string' && (name === OTHERS || name === DROP_OFF);
  if (!isSummary) return names.some((each) => each.event === event) ? `next = ${literal(event)}` : undefined;
  if (name === DROP_OFF) return dropOff > 0 ? `next = ''` : undefined;
  return others > 0 ? `next NOT IN (${['', ...names.map((each) => each.event)].map((each) => literal(each)).join(', ')})` : undefined;
}
