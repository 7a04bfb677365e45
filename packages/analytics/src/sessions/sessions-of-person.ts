/**
 * The sessions that events of one person belong to (rules S1 to S4), found among the person's own events. Not by the SQL of
 * sessions.ts, which maps everybody's devices: here the person is known, and its events of a day are few.
 */
import { literal, timeLiteral, type Warehouse } from '@tidemark/warehouse';
import type { TimelineRow } from '../timeline/output.ts';
import { EARLIEST_MS } from '../time/range.ts';
import { eventsOfPerson, type Person } from '../identity/resolve.ts';
import { DEFAULT_GAP_MS } from './session-window.ts';

/** Hardly a session is longer, and so one statement enough. */
const FIRST_LOOK_BACK_MS = 86_400_000;
/** Of a device that does more than so much without a rest no session is told: it would have to be held in memory. */
const MAX_EVENTS = 200_000;

/** What of an event its session depends on; `at` in epoch ms. */
export interface SessionEvent {
  device: string;
  bot: number;
  at: number;
  id: string;
}

/** What of a row is needed to find its session, and where that is told. */
type RowOfSession = Pick<TimelineRow, 'event_id' | 'time_ms' | 'session_first_id' | 'session_start_ms'>;

interface Session {
  id: string;
  startMs: number;
  lastMs: number;
  bot: number;
  events: SessionEvent[];
}

/**
 * The same rows with their sessions. One statement, of the ids and times of the person's events from a day before the first of
 * the rows; one more for each doubling of that while a session may have begun still earlier. A row that is not the
 * person's stays as it is. Throws WarehouseError.
 */
export async function withSessions<Row extends RowOfSession>(rows: readonly Row[], person: Person, warehouse: Warehouse): Promise<Row[]> {
  const times = rows.map(({ time_ms }) => Number(time_ms));
  const [fromMs, toMs] = [Math.min(...times), Math.max(...times) + 1];
  if (rows.length === 0) return [];
  for (let backMs = FIRST_LOOK_BACK_MS; ; backMs *= 2) {
    const sinceMs = Math.max(fromMs - backMs, EARLIEST_MS);
    const read = await readEvents(sinceMs, toMs, person, warehouse);
    if (read.length > MAX_EVENTS) return [...rows];
    const told = sessionsAmong(rows, read, sinceMs);
    if (told !== undefined) return told;
  }
}

/**
 * The same rows with their sessions, from the person's events of `sinceMs` up to the last of the rows, in the order of L1.
 * undefined when a session may have begun before `sinceMs`.
 */
export function sessionsAmong<Row extends RowOfSession>(rows: readonly Row[], read: readonly SessionEvent[], sinceMs: number): Row[] | undefined {
  const fromMs = Math.min(...rows.map(({ time_ms }) => Number(time_ms)));
  const shown = sessionsIn(read).filter(({ events }) => events.some(({ at }) => at >= fromMs));
  // What starts within a gap of where the reading began may go on before it.
  if (sinceMs > EARLIEST_MS && shown.some(({ startMs }) => startMs - DEFAULT_GAP_MS < sinceMs)) return undefined;
  const sessionOf = new Map(shown.flatMap((session) => session.events.filter(({ at }) => at >= fromMs).map(({ at, id }) => [`${at} ${id}`, session] as const)));
  return rows.map((row) => {
    const session = sessionOf.get(`${Number(row.time_ms)} ${row.event_id}`);
    return session === undefined ? row : { ...row, session_first_id: session.id, session_start_ms: session.startMs };
  });
}

/** In the order of L1. */
async function readEvents(sinceMs: number, toMs: number, person: Person, warehouse: Warehouse): Promise<SessionEvent[]> {
  const found = await warehouse.binary(`SELECT anonymous_id, bot, time, event_id FROM timeline
WHERE project = ${literal(person.project)} AND (${eventsOfPerson(person)}) AND time >= ${timeLiteral(sinceMs)} AND time < ${timeLiteral(toMs)}
ORDER BY time, sequence, event_id LIMIT ${MAX_EVENTS + 1}`, 'point');
  const events: SessionEvent[] = [];
  while (!found.isAtEnd) events.push({ device: found.text(), bot: found.uint8(), at: found.int64(), id: found.text() });
  return events;
}

function sessionsIn(events: readonly SessionEvent[]): Session[] {
  const sessions: Session[] = [];
  const open = new Map<string, Session>();
  for (const event of events) {
    if (event.device === '') continue;
    const stream = `${event.bot} ${event.device}`;
    let session = open.get(stream);
    if (session === undefined || event.at - session.lastMs > DEFAULT_GAP_MS) {
      sessions.push((session = { id: event.id, startMs: event.at, lastMs: event.at, bot: event.bot, events: [] }));
      open.set(stream, session);
    }
    session.lastMs = event.at;
    session.events.push(event);
  }
  // Of several that span an event without a device it is the one begun last, then the one with the smallest id.
  const begunLast = sessions.toSorted((a, b) => b.startMs - a.startMs || Buffer.compare(Buffer.from(a.id), Buffer.from(b.id)));
  for (const event of events) {
    if (event.device !== '') continue;
    const spanning = begunLast.find(({ startMs, lastMs, bot }) => bot === event.bot && startMs <= event.at && event.at <= lastMs + DEFAULT_GAP_MS);
    if (spanning === undefined) sessions.push({ id: event.id, startMs: event.at, lastMs: event.at, bot: event.bot, events: [event] });
    else spanning.events.push(event);
  }
  return sessions;
}
