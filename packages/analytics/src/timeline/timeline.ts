/** One person's actions, in order: a merge of the ranges of all the person's ids in the table `timeline`. */
import { freeMemory, literal, timeLiteral, type Warehouse } from '@tidemark/warehouse';
import { ByteWriter } from './byte-writer.ts';
import { completenessOf, type Completeness } from '../asking/completeness.ts';
import { readCursor, writeCursor } from './cursor.ts';
import { areOf, readFirstRows, readPlaced, ROWS_BEYOND, withSessionsFurther, withSessionsOf, type FirstRows, type FirstSpan } from './first-rows.ts';
import { writeOutput, type OutputEvent, type PlacedRow } from './output.ts';
import { longTimelinesOf, type LongTimelines } from './long-timelines.ts';
import type { Freshness, Identities } from '../ports.ts';
import { plainIdentity, type ProjectIdentity } from '../identity/project-identity.ts';
import { QuestionError } from '../question/problem.ts';
import { readTime, zoneOf } from '../time/range.ts';
import { areClaimsRemembered, deviceAlone, eventsOfPerson, isNamedAlone, resolvePerson, type Person } from '../identity/resolve.ts';
import { withSessions } from '../sessions/sessions-of-person.ts';
import { waitFor } from '../asking/wait-for.ts';

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
  /** A receivedAt: as in questions, it is waited for. */
  waitFor?: string;
}

export interface TimelinePage {
  events: OutputEvent[];
  /** null on the last page. */
  nextCursor: string | null;
  /** As in answers to questions, RFC 3339. */
  meta: Completeness;
}

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;
/** Bytes that an event mostly takes beside its JSON texts. */
const ROOM_FOR_FIELDS = 600;

interface TimelineContext {
  project: string;
  warehouse: Warehouse;
  clock: () => number;
  freshness: Freshness;
  identities?: Identities;
  /** Rows that a first page reads beyond itself, to spare statements; what they are changes no answer. */
  rowsBeyond?: number;
}

interface TimelineRows {
  /** The personId of all of them. */
  person: string;
  rows: readonly PlacedRow[];
  /** There are others after these. */
  more: boolean;
}

/** A page of a person's events. Throws QuestionError, WarehouseError. */
export async function timelineQuery(request: TimelineRequest, context: TimelineContext): Promise<TimelinePage> {
  return JSON.parse((await timelineJson(request, context)).toString()) as TimelinePage;
}

/** The same as JSON in UTF-8: the stored texts are passed on, neither parsed nor written again. */
export async function timelineJson(request: TimelineRequest, context: TimelineContext): Promise<Buffer> {
  if (request.waitFor !== undefined) await waitFor(request.waitFor, context);
  const bounds = boundsOf(request, context.clock());
  const meta = completenessOf(context.freshness.status(), bounds);
  const { person, rows, more } = await readRows(request, bounds, context);
  const last = rows.at(-1);
  const position = last && { timeMs: Number(last.time_ms), sequence: Number(last.sequence), eventId: last.event_id, offset: Number(last.offset) };
  const page = new ByteWriter(rows.reduce((sum, { texts }) => sum + texts.length + ROOM_FOR_FIELDS, ROOM_FOR_FIELDS));
  page.text('{"events":[');
  for (const [index, row] of rows.entries()) {
    if (index > 0) page.text(',');
    writeOutput(row, person, page);
  }
  page.text(`],"nextCursor":${JSON.stringify(more && position ? writeCursor(position) : null)},"meta":${JSON.stringify(meta)}}`);
  // The texts of all rows lie in the one answer of the warehouse.
  if (rows.length > 0) freeMemory(rows[0]!.texts);
  return page.written;
}

async function readRows(request: TimelineRequest, bounds: Bounds, context: TimelineContext): Promise<TimelineRows> {
  const { project, warehouse } = context;
  const { order = 'asc', limit = DEFAULT_LIMIT } = request;
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw new QuestionError({ code: 'invalid_value', field: 'limit', value: limit, rule: `1 to ${MAX_LIMIT}`, detail: `limit must be a whole number from 1 to ${MAX_LIMIT}.` });
  }
  const conditions = boundsSql(request, bounds);
  const identity = (await context.identities?.of(project)) ?? plainIdentity(project);
  if (conditions.length === 0) return firstPage({ id: request.id, order, limit, beyond: context.rowsBeyond ?? ROWS_BEYOND, long: longTimelinesOf(warehouse) }, identity, warehouse);
  const person = await resolvePerson(request.id, identity, warehouse);
  const rows = await readPlaced([eventsOfPerson(person), ...conditions].join(' AND '), { order, limit: limit + 1 }, project, warehouse);
  return { person: person.name, rows: await withSessions(rows.slice(0, limit), person, warehouse), more: rows.length > limit };
}

interface FirstPage extends Omit<FirstSpan, 'knownRows'> {
  id: string;
  long: LongTimelines;
}

/** Its rows are read before it is known for sure whose they are, and once more where that was wrong. */
async function firstPage({ id, long, ...span }: FirstPage, identity: ProjectIdentity, warehouse: Warehouse): Promise<TimelineRows> {
  const { project } = identity;
  const read: ReadFirst = (condition, ids) => readFirstRows(condition, { ...span, knownRows: long.rowsOf(ids, project) }, project, warehouse);
  const { person, found, rows } = areClaimsRemembered(id, identity, warehouse) ? await readAsClaimed(id, read, identity, warehouse) : await readAsAlone(id, read, identity, warehouse);
  await found.freeFurther();
  return { person: person.name, rows, more: found.more };
}

/** `ids`: under which the rows lie, all or some. */
type ReadFirst = (condition: string, ids: readonly string[]) => Promise<FirstRows>;
interface Shown {
  person: Person;
  found: FirstRows;
  /** Those of the page, with their sessions. */
  rows: readonly PlacedRow[];
}

/** While it is being looked up whose the id is, its rows are shown as those of a device by itself: most ids are that. */
async function readAsAlone(id: string, read: ReadFirst, identity: ProjectIdentity, warehouse: Warehouse): Promise<Shown> {
  const underId = read(`raw_id = ${literal(id)}`, [id]);
  const isNamed = async (): Promise<boolean> => isNamedIn(await underId, id, identity.project, warehouse);
  const shown = underId.then((found) => showSessions(found, deviceAlone(id, identity), warehouse));
  const [guess, person, rows] = await Promise.all([underId, resolvePerson(id, identity, warehouse, { isNamed }), shown]);
  if (areOf(guess, id, person)) return { person, found: guess, rows: person.users.length === 0 ? rows : await showSessions(guess, person, warehouse) };
  return readAll(person, read, warehouse);
}

/** The person is known by the claims on the id, unless a user of that very name was seen without a device: its rows are read, too. */
async function readAsClaimed(id: string, read: ReadFirst, identity: ProjectIdentity, warehouse: Warehouse): Promise<Shown> {
  const person = await resolvePerson(id, identity, warehouse, { isNamed: async () => false });
  if (person.users.includes(id)) return readAll(person, read, warehouse);
  const found = await read(`${eventsOfPerson(person)} OR raw_id = ${literal(id)} AND user_id = ${literal(id)}`, idsOf(person));
  const [isNamed, rows] = await Promise.all([isNamedIn(found, id, identity.project, warehouse), showSessions(found, person, warehouse)]);
  return isNamed ? readAll(await resolvePerson(id, identity, warehouse, { kind: 'user' }), read, warehouse) : { person, found, rows };
}

async function readAll(person: Person, read: ReadFirst, warehouse: Warehouse): Promise<Shown> {
  const found = await read(eventsOfPerson(person), idsOf(person));
  return { person, found, rows: await showSessions(found, person, warehouse) };
}

function idsOf({ users, devices, usedDevices }: Person): string[] {
  return [...users, ...devices, ...(usedDevices === 'many' ? [] : usedDevices.map(({ id }) => id))];
}

async function showSessions(found: FirstRows, person: Person, warehouse: Warehouse): Promise<readonly PlacedRow[]> {
  return withSessionsOf(found.rows, found, found.order) ?? (await withSessionsFurther(found, person)) ?? withSessions(found.rows, person, warehouse);
}

/** Whether a user of the id was seen without a device, by the rows of the id's that were read if they are all. */
async function isNamedIn(found: FirstRows, id: string, project: string, warehouse: Warehouse): Promise<boolean> {
  const isId = ({ user_id }: { user_id: string }): boolean => user_id === id;
  if (found.read.some(isId)) return true;
  if (found.isWhole) return false;
  // What sessions have read anyway tells it mostly.
  if (withSessionsOf(found.rows, found, found.order) === undefined) {
    const { read, isWhole } = await found.further();
    if (read.some(isId)) return true;
    if (isWhole) return false;
  }
  return isNamedAlone(id, project, warehouse);
}

/** Of event time, epoch ms. */
interface Bounds {
  fromMs?: number;
  toMs?: number;
}

function boundsOf({ from, to }: TimelineRequest, nowMs: number): Bounds {
  const zone = zoneOf('UTC');
  return { ...(from !== undefined && { fromMs: readTime(from, 'from', zone, nowMs) }), ...(to !== undefined && { toMs: readTime(to, 'to', zone, nowMs) }) };
}

function boundsSql({ cursor, order = 'asc' }: TimelineRequest, { fromMs, toMs }: Bounds): string[] {
  const conditions: string[] = [];
  if (fromMs !== undefined) conditions.push(`time >= ${timeLiteral(fromMs)}`);
  if (toMs !== undefined) conditions.push(`time < ${timeLiteral(toMs)}`);
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
