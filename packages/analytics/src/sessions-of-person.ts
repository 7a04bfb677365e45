/** The sessions that events of one person belong to, found among the person's own events. */
import { literal, timeLiteral, type Warehouse } from '@tidemark/warehouse';
import type { TimelineRow } from './output.ts';
import { ACTOR_COLUMNS } from './person.ts';
import { EARLIEST_MS } from './range.ts';
import { eventsOfPerson, type Person } from './resolve.ts';
import { DEFAULT_GAP_MS } from './session-window.ts';
import { sessionsSql } from './sessions.ts';

/** Hardly a session is longer, and so one statement enough. */
const FIRST_LOOK_BACK_MS = 86_400_000;

/**
 * The same rows with their sessions (rules S1 to S4). One statement, of the ids and times of the person's events from a day
 * before the first of the rows; one more for each doubling of that while a session may have begun still earlier. A row that
 * is not the person's stays as it is. Throws WarehouseError.
 */
export async function withSessions<Row extends TimelineRow>(rows: readonly Row[], person: Person, warehouse: Warehouse): Promise<Row[]> {
  const times = rows.map(({ time_ms }) => Number(time_ms));
  const [fromMs, toMs] = [Math.min(...times), Math.max(...times) + 1];
  const hasDeviceless = rows.some(({ anonymous_id }) => anonymous_id === '');
  if (rows.length === 0) return [];
  for (let backMs = FIRST_LOOK_BACK_MS; ; backMs *= 2) {
    const sinceMs = Math.max(fromMs - backMs, EARLIEST_MS);
    const { rows: sessions } = await warehouse.query<{ id: string; start: number; mine: [number, string][] }>(sessionsSince(sinceMs, fromMs, toMs, hasDeviceless, person));
    // What starts within a gap of where the reading began may go on before it.
    if (sinceMs > EARLIEST_MS && sessions.some(({ start }) => Number(start) - DEFAULT_GAP_MS < sinceMs)) continue;
    const sessionOf = new Map(sessions.flatMap((session) => session.mine.map((event) => [JSON.stringify(event), session] as const)));
    return rows.map((row) => {
      const session = sessionOf.get(JSON.stringify([Number(row.time_ms), row.event_id]));
      return session === undefined ? row : { ...row, session_first_id: session.id, session_start_ms: Number(session.start) };
    });
  }
}

function sessionsSince(sinceMs: number, fromMs: number, toMs: number, hasDeviceless: boolean, person: Person): string {
  const rows = `SELECT ${ACTOR_COLUMNS}, anonymous_id AS device, bot, toUnixTimestamp64Milli(time) AS at, sequence, event_id, (at, event_id) AS tag
    FROM timeline WHERE project = ${literal(person.project)} AND (${eventsOfPerson(person)}) AND time >= ${timeLiteral(sinceMs)} AND time < ${timeLiteral(toMs)}`;
  const sessions = sessionsSql({ rows, gapMs: DEFAULT_GAP_MS, hasDeviceless, isOrdered: true, keys: [] });
  return `SELECT id, start, arrayFilter(x -> x.1 >= ${fromMs}, tags) AS mine FROM (${sessions}) WHERE notEmpty(mine)`;
}
