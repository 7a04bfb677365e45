/** The first rows of a timeline without bounds, read together with what the sessions of those that are shown depend on. */
import { literal, type Warehouse } from '@tidemark/warehouse';
import { outputSelect, type TimelineRow } from './output.ts';
import { EARLIEST_MS } from './range.ts';
import { POINT_READ, type Person } from './resolve.ts';
import { sessionsAmong } from './sessions-of-person.ts';

/**
 * Rows that are read beyond the page. Mostly they lie in the same granules, and a second statement takes 7 ms; to leave
 * their documents in the engine takes 2 (chDB 26.7, 2 cores, 2026-11-22).
 */
const ROWS_BEYOND = 300;

/** One with its place in the log. */
export type PlacedRow = TimelineRow & { offset: number };

interface FirstRows {
  order: 'asc' | 'desc';
  limit: number;
  /** In order, the rows beyond `limit` too. `person` is ''. */
  read: readonly PlacedRow[];
  /** There are no others. */
  isWhole: boolean;
}

/** `condition`: on the table `timeline`, beside the one on the project. Throws WarehouseError. */
export async function readFirstRows(condition: string, { order, limit }: { order: 'asc' | 'desc'; limit: number }, project: string, warehouse: Warehouse): Promise<FirstRows> {
  const way = order === 'asc' ? 'ASC' : 'DESC';
  const { rows: read } = await warehouse.query<PlacedRow>(`SELECT ${outputSelect("''")}, offset FROM timeline WHERE project = ${literal(project)} AND ${condition}
ORDER BY time ${way}, sequence ${way}, event_id ${way}, offset ${way} LIMIT ${limit + ROWS_BEYOND + 1} ${POINT_READ}`);
  return { order, limit, read, isWhole: read.length <= limit + ROWS_BEYOND };
}

/** Whether all of the rows that lie under an id, and none but these, can be the person's. */
export function areOf({ read }: FirstRows, id: string, { users, devices, usedDevices }: Person): boolean {
  if (usedDevices === 'many' || [...users, ...devices, ...usedDevices.map((used) => used.id)].some((each) => each !== id)) return false;
  const ownsDevice = devices.length > 0 || usedDevices.some(({ isOwned }) => isOwned);
  return read.every(({ user_id }) => (user_id === '' ? ownsDevice : users.includes(user_id)));
}

/** The rows to be shown, with their sessions; undefined when these can't be told from what was read. All rows must be one person's. */
export function withSessionsOf({ order, limit, read, isWhole }: FirstRows): PlacedRow[] | undefined {
  const rows = read.slice(0, limit);
  const [first, last, end] = [rows[0], rows.at(-1), read.at(-1)].map((row) => Number(row?.time_ms));
  if (rows.length === 0) return [];
  // More events of the time of the last read row may not have been read.
  if (!isWhole && last === end) return undefined;
  const sinceMs = isWhole || order === 'asc' ? EARLIEST_MS : end! + 1;
  const untilMs = Math.max(first!, last!);
  const events = read
    .map(({ anonymous_id, bot, time_ms, event_id }) => ({ device: anonymous_id, bot: Number(bot), at: Number(time_ms), id: event_id }))
    .filter(({ at }) => at >= sinceMs && at <= untilMs);
  return sessionsAmong(rows, order === 'asc' ? events : events.toReversed(), sinceMs);
}
