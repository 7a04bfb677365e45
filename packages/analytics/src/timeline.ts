/** One person's actions, in order: a merge of the ranges of all the person's ids in the table `timeline`. */
import { literal, timeLiteral, type Warehouse } from '@tidemark/warehouse';
import { readCursor, writeCursor } from './cursor.ts';
import { outputSelect, toOutput, type OutputEvent, type TimelineRow } from './output.ts';
import { QuestionError } from './problem.ts';
import { readTime, zoneOf } from './range.ts';

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
export async function timelineQuery(request: TimelineRequest, context: { project: string; warehouse: Warehouse; clock: () => number }): Promise<TimelinePage> {
  const { project, warehouse } = context;
  const { order = 'asc', limit = DEFAULT_LIMIT } = request;
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw new QuestionError({ code: 'invalid_value', field: 'limit', value: limit, rule: `1 to ${MAX_LIMIT}`, detail: `limit must be a whole number from 1 to ${MAX_LIMIT}.` });
  }
  const conditions = boundsSql(request, context.clock());
  const person = await resolvePerson(request.id, project, warehouse);
  const way = order === 'asc' ? 'ASC' : 'DESC';
  const sql = `SELECT ${outputSelect(literal(person.name))}, offset FROM timeline
WHERE ${[`project = ${literal(project)}`, personSql(person), ...conditions].join(' AND ')}
ORDER BY time ${way}, sequence ${way}, event_id ${way}, offset ${way} LIMIT ${limit + 1}`;
  const { rows } = await warehouse.query<TimelineRow & { offset: number }>(sql);
  const last = rows[limit - 1];
  const more = rows.length > limit && last !== undefined;
  const position = last && { timeMs: Number(last.time_ms), sequence: Number(last.sequence), eventId: last.event_id, offset: Number(last.offset) };
  return { events: rows.slice(0, limit).map(toOutput), nextCursor: more && position ? writeCursor(position) : null };
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

/** A person and where its events lie. */
interface Person {
  /** The userId, or the anonymousId of a device that no user was seen with. */
  name: string;
  userId: string;
  /** Devices whose events without a userId are the person's. */
  devices: string[];
  /** First keys in the timeline under which its events may lie. */
  rawIds: string[];
}

/** The person that an id belongs to: an id that is a user's is taken for the user (rule I3). */
async function resolvePerson(id: string, project: string, warehouse: Warehouse): Promise<Person> {
  const inProject = `project = ${literal(project)}`;
  const asked = literal(id);
  const { rows: found } = await warehouse.query<{ as_user: number; user: string }>(
    `SELECT (SELECT count() FROM (SELECT 1 FROM timeline WHERE ${inProject} AND user_id = ${asked} LIMIT 1)) AS as_user,
  (SELECT argMin(user_id, (time, event_id)) FROM timeline WHERE ${inProject} AND raw_id = ${asked} AND anonymous_id = ${asked} AND user_id != '') AS user`,
  );
  const [first] = found;
  const userId = Number(first?.as_user ?? 0) > 0 ? id : (first?.user ?? '');
  if (userId === '') return { name: id, userId: '', devices: [id], rawIds: [id] };
  const { rows: devices } = await warehouse.query<{ device: string; mine: number }>(
    `SELECT raw_id AS device, argMin(user_id, (time, event_id)) = ${literal(userId)} AS mine FROM timeline
WHERE ${inProject} AND anonymous_id != '' AND user_id != ''
  AND raw_id IN (SELECT DISTINCT anonymous_id FROM timeline WHERE ${inProject} AND user_id = ${literal(userId)} AND anonymous_id != '')
GROUP BY raw_id`,
  );
  return {
    name: userId,
    userId,
    devices: devices.filter(({ mine }) => Number(mine) === 1).map(({ device }) => device),
    rawIds: [userId, ...devices.map(({ device }) => device)],
  };
}

function personSql({ userId, devices, rawIds }: Person): string {
  const list = (ids: readonly string[]): string => ids.map((id) => literal(id)).join(', ');
  const mine = [
    ...(userId === '' ? [] : [`user_id = ${literal(userId)}`]),
    ...(devices.length === 0 ? [] : [`(user_id = '' AND anonymous_id IN (${list(devices)}))`]),
  ];
  return `raw_id IN (${list(rawIds)}) AND (${mine.join(' OR ')})`;
}
