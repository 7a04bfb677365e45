/**
 * The first rows of a timeline without bounds, and some beyond them, which tell whose they are and which sessions those that
 * are shown belong to. One statement: of the 5 ms of CPU that it takes, planning is more than half, whatever it reads.
 */
import { literal, type RowBinary, type Warehouse } from '@tidemark/warehouse';
import { PACKED_SELECT, PackedKeys, readPackedRest, skipPackedRest, type PlacedRow } from './output.ts';
import { EARLIEST_MS } from './range.ts';
import { POINT_READ, type Person } from './resolve.ts';
import { DEFAULT_GAP_MS } from './session-window.ts';
import { sessionsAmong } from './sessions-of-person.ts';

/**
 * So many rows beyond the page are read. Mostly a session began there, or there are no more. Who has as many events waits 4 ms for
 * them; another statement takes 5 to 10 (chDB 26.7, 2 busy cores, 2026-11-23).
 */
export const ROWS_BEYOND = 2_500;

export interface FirstSpan {
  order: 'asc' | 'desc';
  limit: number;
  /** Rows that are read beyond those. */
  beyond: number;
}

export interface FirstRows {
  order: 'asc' | 'desc';
  /** In order, at most `limit`. `person` is ''. */
  rows: readonly PlacedRow[];
  more: boolean;
  /** These and further ones, in order: what tells whose they are, and their sessions. */
  read: readonly PackedKeys[];
  /** There are no others. */
  isWhole: boolean;
}

/** `condition`: on the table `timeline`, beside the one on the project. Throws WarehouseError. */
export async function readFirstRows(condition: string, { order, limit, beyond }: FirstSpan, project: string, warehouse: Warehouse): Promise<FirstRows> {
  const count = limit + beyond;
  const found = await ask(condition, { order, limit: count + 1 }, project, warehouse);
  const rows: PlacedRow[] = [];
  const read: PackedKeys[] = [];
  while (!found.isAtEnd && read.length < count) {
    const keys = new PackedKeys(found, read.at(-1));
    read.push(keys);
    // Only those that are shown are unpacked.
    if (rows.length < limit) rows.push(readPackedRest(keys, found));
    else skipPackedRest(found);
  }
  const isWhole = found.isAtEnd;
  return { order, rows, more: read.length > limit || !isWhole, read, isWhole };
}

/** Rows of the timeline in its order. `condition`: as above. Throws WarehouseError. */
export async function readPlaced(condition: string, span: { order: 'asc' | 'desc'; limit: number }, project: string, warehouse: Warehouse): Promise<PlacedRow[]> {
  const found = await ask(condition, span, project, warehouse);
  const rows: PlacedRow[] = [];
  while (!found.isAtEnd) rows.push(readPackedRest(new PackedKeys(found, undefined), found));
  return rows;
}

function ask(condition: string, { order, limit }: { order: 'asc' | 'desc'; limit: number }, project: string, warehouse: Warehouse): Promise<RowBinary> {
  const way = order === 'asc' ? 'ASC' : 'DESC';
  return warehouse.binary(`SELECT ${PACKED_SELECT} FROM timeline PREWHERE project = ${literal(project)} AND (${condition})
ORDER BY time ${way}, sequence ${way}, event_id ${way}, offset ${way} LIMIT ${limit} ${POINT_READ}`);
}

/** Whether all of the rows that lie under an id, and none but these, can be the person's. */
export function areOf({ read }: FirstRows, id: string, { users, devices, usedDevices }: Person): boolean {
  if (usedDevices === 'many' || [...users, ...devices, ...usedDevices.map((used) => used.id)].some((each) => each !== id)) return false;
  const ownsDevice = devices.length > 0 || usedDevices.some(({ isOwned }) => isOwned);
  return read.every(({ user_id }) => (user_id === '' ? ownsDevice : users.includes(user_id)));
}

/** The rows with their sessions; undefined when these can't be told from what was read. All rows must be one person's. */
export function withSessionsOf({ order, rows, read, isWhole }: FirstRows): PlacedRow[] | undefined {
  const [first, last, end] = [rows[0]?.time_ms, rows.at(-1)?.time_ms, read.at(-1)?.time_ms];
  if (first === undefined || last === undefined || end === undefined) return [];
  // More events of the time of the last read row may not have been read.
  if (!isWhole && last === end) return undefined;
  const sinceMs = isWhole || order === 'asc' ? EARLIEST_MS : end + 1;
  const untilMs = Math.max(first, last);
  if (isOneStream(read)) return withSessionsOfStream(rows, order === 'asc' ? read : read.toReversed(), sinceMs, untilMs);
  const events = read.map((row) => ({ device: row.anonymous_id, bot: row.bot, at: row.time_ms, id: row.event_id })).filter(({ at }) => at >= sinceMs && at <= untilMs);
  return sessionsAmong(rows, order === 'asc' ? events : events.toReversed(), sinceMs);
}

/** All of one device, and none or all by a bot: of most people. */
function isOneStream(read: readonly PackedKeys[]): boolean {
  const { anonymous_id, bot } = read[0]!;
  return anonymous_id !== '' && read.every((row) => row.anonymous_id === anonymous_id && row.bot === bot);
}

/** As `sessionsAmong`, where sessions follow one another: nothing is made of the single events. `read`: in the order of time. */
function withSessionsOfStream(rows: readonly PlacedRow[], read: readonly PackedKeys[], sinceMs: number, untilMs: number): PlacedRow[] | undefined {
  const sessions: { id: string; startMs: number }[] = [];
  let lastMs = Number.NEGATIVE_INFINITY;
  for (const event of read) {
    const { time_ms } = event;
    if (time_ms < sinceMs || time_ms > untilMs) continue;
    if (time_ms - lastMs > DEFAULT_GAP_MS) sessions.push({ id: event.event_id, startMs: time_ms });
    lastMs = time_ms;
  }
  const told = rows.map((row) => {
    const { id, startMs } = sessions.findLast((session) => session.startMs <= row.time_ms)!;
    return { ...row, session_first_id: id, session_start_ms: startMs };
  });
  // What starts within a gap of where the reading began may go on before it.
  if (sinceMs > EARLIEST_MS && told.some(({ session_start_ms }) => session_start_ms - DEFAULT_GAP_MS < sinceMs)) return undefined;
  return told;
}
