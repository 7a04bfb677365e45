/** The rows that a trend's measure `sessions` counts (rule T8). */
import { literal } from '@tidemark/warehouse';
import type { Asking } from '../../asking/asking.ts';
import { eventsSql, selectedSql, type EventSelection } from '../../events/events.ts';
import { DEFAULT_GAP_MS, openedSince } from '../../sessions/session-window.ts';
import { SESSION_COLUMNS, sessionsSql } from '../../sessions/sessions.ts';

/**
 * FROM of a row for each session and each combination of `keys` (names among the selection's columns, and those that `grouped` adds) that
 * selected events of it have: the keys and SESSION_COLUMNS. All events of the range are read, for any of them may link two that are selected.
 */
export async function sessionRows(selection: EventSelection, { keys, grouped }: { keys: readonly string[]; grouped: (rows: string) => string }, { identity, naming, query }: Asking): Promise<string> {
  const { project, includeBots, fromMs, toMs } = selection;
  const read = (sinceMs: number, columns: readonly string[]): string => eventsSql({ project, includeBots, fromMs: sinceMs, toMs, events: undefined, where: [], columns });
  const deviceless = await query(`${read(fromMs, [])} AND anonymous_id = '' LIMIT 1`);
  const hasDeviceless = deviceless.length > 0;
  const stored = `FROM events WHERE project = ${literal(project)}${includeBots ? '' : ' AND bot = 0'}`;
  // Into which of two sessions from before the range such an event falls depends on when they began. Else that is no matter.
  const sinceMs = hasDeviceless ? await openedSince(fromMs, { events: stored, gapMs: DEFAULT_GAP_MS, query }) : fromMs;
  const nothing = keys.map((name) => (name === 'bucket' ? 'toInt64(0)' : `''`));
  const columns = [naming.columns, naming.device, 'bot', 'toUnixTimestamp64Milli(time) AS at', ...(hasDeviceless ? ['sequence', 'event_id'] : []), ...selection.columns];
  const events = grouped(read(sinceMs, [...columns, `${selectedSql(selection)} AND at >= ${fromMs} AS is_selected`]));
  const rows = `SELECT *, if(is_selected, (1, ${keys.join(', ')}), (0, ${nothing.join(', ')})) AS tag FROM (${events})`;
  const sessions = sessionsSql({ identity, naming, rows, gapMs: DEFAULT_GAP_MS, hasDeviceless, isOrdered: hasDeviceless, keys: [] });
  const told = SESSION_COLUMNS.join(', ');
  return `(SELECT ${keys.map((name, i) => `tupleElement(of, ${i + 2}) AS ${name}, `).join('')}${told}
  FROM (SELECT ${told}, arrayDistinct(arrayFilter(x -> x.1 = 1, tags)) AS chosen FROM (${sessions})) ARRAY JOIN chosen AS of)`;
}
