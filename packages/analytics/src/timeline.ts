/** One person's actions, in order: a merge of the ranges of all the person's ids in the table `timeline`. */
import { literal, timeLiteral, type Warehouse } from '@tidemark/warehouse';
import { readCursor, writeCursor } from './cursor.ts';
import { areOf, readFirstRows, withSessionsOf, type PlacedRow } from './first-rows.ts';
import { outputSelect, toOutput, type OutputEvent } from './output.ts';
import type { Identities } from './ask.ts';
import { plainIdentity, type ProjectIdentity } from './project-identity.ts';
import { QuestionError } from './problem.ts';
import { readTime, zoneOf } from './range.ts';
import { eventsOfPerson, isNamedAlone, POINT_READ, resolvePerson } from './resolve.ts';
import { withSessions } from './sessions-of-person.ts';

export interface TimelineRequest {
  /** Any id of the person. */
  id: string;
  /** As in questions; absent = no bound. `to` is exclusive. */
  from?: string;
  to?: string;
  /** 1 to 1,000; default 100. */
  limit?: number;
  cursor?: string;
  /** Default asc. */
  order?: 'asc' | 'desc';
}

export interface TimelinePage {
  events: OutputEvent[];
  /** null on the last page. */
  nextCursor: string | null;
}

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;

/** A page of a person's events. Throws QuestionError, WarehouseError. */
export async function timelineQuery(request: TimelineRequest, context: { project: string; warehouse: Warehouse; clock: () => number; identities?: Identities }): Promise<TimelinePage> {
  const { project, warehouse } = context;
  const { order = 'asc', limit = DEFAULT_LIMIT } = request;
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw new QuestionError({ code: 'invalid_value', field: 'limit', value: limit, rule: `1 to ${MAX_LIMIT}`, detail: `limit must be a whole number from 1 to ${MAX_LIMIT}.` });
  }
  const conditions = boundsSql(request, context.clock());
  const identity = (await context.identities?.of(project)) ?? plainIdentity(project);
  if (conditions.length === 0) return firstPage({ id: request.id, order, limit }, identity, warehouse);
  const person = await resolvePerson(request.id, identity, warehouse);
  const way = order === 'asc' ? 'ASC' : 'DESC';
  const sql = `SELECT ${outputSelect(literal(person.name))}, offset FROM timeline
WHERE ${[`project = ${literal(project)}`, eventsOfPerson(person), ...conditions].join(' AND ')}
ORDER BY time ${way}, sequence ${way}, event_id ${way}, offset ${way} LIMIT ${limit + 1} ${POINT_READ}`;
  const { rows } = await warehouse.query<PlacedRow>(sql);
  return pageOf(await withSessions(rows.slice(0, limit), person, warehouse), rows.length > limit);
}

/**
 * While it is being looked up whose the id is, the rows under the id are read: most ids are a person by themselves, and then
 * nothing else is. A page took 16 ms so, and 44 with three statements in a row (p50, chDB 26.7, 2 parts, 2 busy cores, 2026-11-22).
 */
async function firstPage({ id, order, limit }: { id: string; order: 'asc' | 'desc'; limit: number }, identity: ProjectIdentity, warehouse: Warehouse): Promise<TimelinePage> {
  const { project } = identity;
  const underId = readFirstRows(`raw_id = ${literal(id)}`, { order, limit }, project, warehouse);
  const isNamed = async (): Promise<boolean> => {
    const { read, isWhole } = await underId;
    return read.some(({ user_id }) => user_id === id) || (!isWhole && isNamedAlone(id, project, warehouse));
  };
  const [guess, person] = await Promise.all([underId, resolvePerson(id, identity, warehouse, { isNamed })]);
  const found = areOf(guess, id, person) ? guess : await readFirstRows(eventsOfPerson(person), { order, limit }, project, warehouse);
  const rows = withSessionsOf(found) ?? (await withSessions(found.read.slice(0, limit), person, warehouse));
  return pageOf(rows.map((row) => ({ ...row, person: person.name })), found.read.length > limit);
}

function pageOf(rows: readonly PlacedRow[], more: boolean): TimelinePage {
  const last = rows.at(-1);
  const position = last && { timeMs: Number(last.time_ms), sequence: Number(last.sequence), eventId: last.event_id, offset: Number(last.offset) };
  return { events: rows.map(toOutput), nextCursor: more && position ? writeCursor(position) : null };
}

function boundsSql({ from, to, cursor, order = 'asc' }: TimelineRequest, nowMs: number): string[] {
  const zone = zoneOf('UTC');
  const conditions: string[] = [];
  if (from !== undefined) conditions.push(`time >= ${timeLiteral(readTime(from, 'from', zone, nowMs))}`);
  if (to !== undefined) conditions.push(`time < ${timeLiteral(readTime(to, 'to', zone, nowMs))}`);
  if (cursor !== undefined) {
    const { timeMs, sequence, eventId, offset } = readCursor(cursor);
    const sign = order === 'asc' ? '>' : '<';
    const key = `(${cursorTime(timeMs)}, ${literal(BigInt(sequence))}, ${literal(eventId)}, ${literal(BigInt(offset))})`;
    // The bound on the time alone is what the table's order can use.
    conditions.push(`time ${sign}= ${cursorTime(timeMs)}`, `(time, sequence, event_id, toInt64(offset)) ${sign} ${key}`);
  }
  return conditions;
}

function cursorTime(timeMs: number): string {
  try {
    return timeLiteral(timeMs);
  } catch {
    throw new QuestionError({ code: 'invalid_cursor', field: 'cursor', rule: 'the nextCursor of an answer', detail: 'This is no cursor of ours; pass nextCursor on unchanged, or none to begin.' });
  }
}
