/** How far beyond a time events must be read, so that the sessions that lie across it are whole. */
import { timeLiteral } from '@tidemark/warehouse';
import { EARLIEST_MS, LATEST_MS } from '../time/range.ts';

/** A longer silence ends a session (rule S1). */
export const DEFAULT_GAP = '30m';
export const DEFAULT_GAP_MS = 30 * 60_000;

export interface WindowQuery {
  /** FROM and WHERE of the events whose sessions are asked for, of all times. */
  events: string;
  gapMs: number;
  query<Row>(sql: string): Promise<Row[]>;
}

/** So many gaps are read at first; then twice as many, and so on. */
const FIRST_GAPS = 4;

/** A time (epoch ms) by which all sessions that lie across `ms` have ended and been silent for a gap. Throws what `query` throws. */
export async function closedBy(ms: number, window: WindowQuery): Promise<number> {
  const { gapMs } = window;
  // Most ranges end where the events do, and a look at the times tells it in a tenth of the time.
  if (!(await hasEvents(ms, ms + gapMs, window))) return ms;
  for (let ahead = FIRST_GAPS * gapMs; ms + ahead < LATEST_MS; ahead *= 2) {
    const last = await chainEnd(ms, ms - gapMs, ms + ahead, 'after', window);
    if (last === undefined || last + gapMs < ms + ahead) return last === undefined ? ms : last + gapMs + 1;
  }
  return LATEST_MS;
}

/**
 * A time (epoch ms) from which on events must be read to see the start of every session that an event at `ms` or later may be
 * of: one without a device falls into sessions whose last event lies up to a gap before it.
 */
export async function openedSince(ms: number, window: WindowQuery): Promise<number> {
  const { gapMs } = window;
  const edge = ms - gapMs;
  for (let back = FIRST_GAPS * gapMs; edge - back > EARLIEST_MS; back *= 2) {
    const first = await chainEnd(edge, edge - back, edge + gapMs, 'before', window);
    if (first === undefined || first - gapMs >= edge - back) return Math.min(edge, first ?? edge);
  }
  return EARLIEST_MS;
}

async function hasEvents(fromMs: number, toMs: number, { events, query }: WindowQuery): Promise<boolean> {
  if (fromMs >= LATEST_MS) return false;
  return (await query(`SELECT 1 ${events} AND time >= ${timeLiteral(fromMs)} AND time < ${timeLiteral(Math.min(toMs, LATEST_MS))} LIMIT 1`)).length > 0;
}

/**
 * The furthest event that is linked to the other side of `ms` by events of one device, no two of them further apart than
 * the gap; as far as [fromMs, toMs) shows. By device, not by person and device: it may take a session for a longer one.
 */
async function chainEnd(ms: number, fromMs: number, toMs: number, way: 'after' | 'before', { events, gapMs, query }: WindowQuery): Promise<number | undefined> {
  const [near, far] = way === 'after' ? [`x -> x < ${ms}`, `x -> x >= ${ms}`] : [`x -> -x >= ${ms}`, `x -> -x < ${ms}`];
  const sign = way === 'after' ? '' : '-';
  const [row] = await query<{ found: number; furthest: number }>(`SELECT count() AS found, max(furthest) AS furthest FROM (
  SELECT arrayConcat([arrayLast(${near}, t)], arrayFilter(${far}, t)) AS chain, arrayFirstIndex(d -> d > ${gapMs}, arrayDifference(chain)) AS broken,
    if(broken = 0, chain[-1], chain[broken - 1]) AS furthest
  FROM (SELECT anonymous_id, arraySort(groupArray(${sign}toUnixTimestamp64Milli(time))) AS t
    ${events} AND anonymous_id != '' AND time >= ${timeLiteral(Math.max(fromMs, EARLIEST_MS))} AND time < ${timeLiteral(Math.min(toMs, LATEST_MS))} GROUP BY anonymous_id)
  WHERE arrayExists(${near}, t)
)`);
  if (row === undefined || Number(row.found) === 0) return undefined;
  return way === 'after' ? Number(row.furthest) : -Number(row.furthest);
}
