/** The question `sessions` as SQL. */
import { literal } from '@tidemark/warehouse';
import type { Asking } from '../../asking/asking.ts';
import { allUnsetSql, keyNames, restColumns } from '../../events/breakdown.ts';
import { bucketSql } from '../../time/buckets.ts';
import { eventsSql } from '../../events/events.ts';
import { PAGE_SQL } from '../../sessions/session-properties.ts';
import { closedBy } from '../../sessions/session-window.ts';
import { sessionsSql } from '../../sessions/sessions.ts';
import { whereSql } from '../../events/where.ts';
import { sessionKeys } from './keys.ts';
import { gapOf, type Question } from './question.ts';

/**
 * SELECT of the sessions that start in the range and hold an event within `where`: person, start, ms, depth, pages and keys
 * (k0, …). First asks how far the sessions that are open at the range's end go on, and whether any event has no device.
 */
export async function startedSessions(question: Question, { project, identity, naming, range, query, reaches }: Asking): Promise<string> {
  const gapMs = gapOf(question);
  const { breakdown = [], includeBots = false, where = [] } = question;
  const { fromMs, toMs } = range;
  const { columns, keys, selected } = sessionKeys(breakdown);
  const select = (window: { fromMs: number; toMs: number }, names: readonly string[]): string =>
    eventsSql({ project, ...window, events: undefined, includeBots, where: [], columns: names, gapMs });
  const events = `FROM events WHERE project = ${literal(project)}${includeBots ? '' : ' AND bot = 0'}`;
  const endMs = await closedBy(toMs, { events, gapMs, query });
  reaches({ toMs: endMs });
  // A gap before the range is enough to tell what starts in it: what began earlier does not count, whenever it began.
  const window = { fromMs: fromMs - gapMs, toMs: Math.max(endMs, toMs) };
  const deviceless = await query(`${select(window, [])} AND anonymous_id = '' LIMIT 1`);
  const hasDeviceless = deviceless.length > 0;
  const isOrdered = hasDeviceless || keys.length > 0;
  const rows = select(window, [
    naming.columns, naming.device, 'bot', 'toUnixTimestamp64Milli(time) AS at', ...(isOrdered ? ['sequence', 'event_id'] : []),
    `bitOr(toUInt8(${whereSql(where, 'events', 'where')}), bitShiftLeft(toUInt8(${PAGE_SQL}), 1)) AS tag`, ...columns,
  ]);
  const sessions = sessionsSql({ identity, naming, rows, gapMs, hasBots: includeBots, hasDeviceless, isOrdered, isFlags: true, keys });
  return `SELECT ${['person', 'start', 'last - start AS ms', 'length(tags) AS depth', 'arrayCount(t -> bitTest(t, 1), tags) AS pages', ...selected].join(', ')}
FROM (${sessions}) WHERE start >= ${fromMs} AND start < ${toMs}${where.length === 0 ? '' : ' AND arrayExists(t -> bitTest(t, 0), tags)'}`;
}

/**
 * SELECT of a summary for each bucket (is_total = 0) and the whole, of each group (g0, …; `place` is its rank) and of all (is_all = 1).
 * To find the sessions takes most of the time, so they are found once: gathered by group, and told one by one again once the rank of
 * each group is known.
 */
export function summariesSql(sessions: string, starts: readonly number[], count: number, limit: number): string {
  const groups = Array.from({ length: count }, (_, i) => `g${i}`);
  const own = ['bucket', 'person', 'ms', 'depth', 'pages'];
  const rows = `SELECT ${[`${bucketSql('fromUnixTimestamp64Milli(start)', starts)} AS bucket`, ...own.slice(1), ...keyNames(count)].join(', ')} FROM (${sessions})`;
  const sets = count === 0 ? [['bucket'], []] : [['bucket', 'place', ...groups], ['place', ...groups], ['bucket'], []];
  return `SELECT ${[
    'grouping(bucket) AS is_total', ...(count === 0 ? ['1 AS is_all'] : ['grouping(place) AS is_all', 'place', ...groups]), 'bucket',
    'count() AS sessions', 'uniqExact(person) AS users', 'quantilesExactInclusive(0.5, 0.9)(ms / 1000) AS quantiles', 'sum(ms) AS length',
    'sum(depth) AS events', 'sum(pages) AS shown', 'countIf(depth = 1) AS bounces',
  ].join(', ')}
FROM (${count === 0 ? rows : placedRows(rows, own, count, limit)})
GROUP BY GROUPING SETS (${sets.map((set) => `(${set.join(', ')})`).join(', ')})`;
}

/** SELECT of `own` columns of all rows, with the place of each one's group among those with the most rows (rule B2), and its key. */
function placedRows(rows: string, own: readonly string[], count: number, limit: number): string {
  const keys = keyNames(count).join(', ');
  const gathered = `SELECT ${keys}, count() AS size, ${allUnsetSql(count)} AS is_unset, ${own.map((name) => `groupArray(${name}) AS all_${name}`).join(', ')} FROM (${rows}) GROUP BY ${keys}`;
  const rank = `row_number() OVER (PARTITION BY is_unset ORDER BY size DESC, ${keys})`;
  const placed = `SELECT *, if(is_unset, ${limit + 2}, least(${rank}, ${limit + 1})) AS place FROM (${gathered})`;
  return `SELECT ${['place', ...restColumns(count, `place = ${limit + 1}`), ...own].join(', ')} FROM (${placed}) ARRAY JOIN ${own.map((name) => `all_${name} AS ${name}`).join(', ')}`;
}
