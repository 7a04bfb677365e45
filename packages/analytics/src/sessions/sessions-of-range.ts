/** The sessions of the events of a range, as `joinSessions` joins them. */
import { literal, timeLiteral } from '@tidemark/warehouse';
import type { Reached } from '../asking/reach.ts';
import { eventsSql, namedSql } from '../events/events.ts';
import { BY_HASH } from '../identity/naming.ts';
import type { ProjectIdentity } from '../identity/project-identity.ts';
import { SESSION_KEY_SQL, sessionsRead, type SessionSpan } from './session-of-event.ts';
import { PAGE_SQL, sessionProperty, type SessionProperty } from './session-properties.ts';
import { closedBy, openedSince } from './session-window.ts';
import { sessionsSql } from './sessions.ts';

export interface SessionSource {
  identity: ProjectIdentity;
  query<Row>(sql: string): Promise<Row[]>;
  /** Told of the event times that sessions reach to. */
  reaches?(span: Reached): void;
}

/** Definitions of the sessions that a statement (without its texts) reads. Throws what `query` throws. */
export async function sessionDefinitions(sql: string, source: SessionSource): Promise<string[]> {
  const { spans, columns } = sessionsRead(sql);
  const properties = columns.filter((own) => !['id', 'start', 'key'].includes(own)).map((own) => ({ own, property: sessionProperty(`session.${own}`, '')! }));
  const definitions: string[] = [];
  for (const [name, span] of spans) definitions.push(`${name} AS (${await sessionsOf(span, properties, columns.includes('id'), source)})`);
  return definitions;
}

/**
 * SELECT of the sessions, once for each key of their events: for each user that took part, and for each event without a device. Where only
 * events of some names ask, only the devices that have such an event are looked at, unless events without a device may fall into any.
 */
async function sessionsOf(span: Required<SessionSpan>, properties: readonly { own: string; property: SessionProperty }[], hasId: boolean, { identity, query, reaches }: SessionSource): Promise<string> {
  const { project } = identity;
  const { gapMs, includeBots } = span;
  const events = `FROM events WHERE project = ${literal(project)}${includeBots ? '' : ' AND bot = 0'}`;
  const window = { events, gapMs, query };
  const range = { fromMs: await openedSince(span.fromMs, window), toMs: await closedBy(span.toMs, window) };
  // An event within a gap of the end would go on with a session of before it.
  reaches?.({ fromMs: range.fromMs, toMs: Math.max(range.toMs, span.toMs + gapMs) });
  const select = (columns: readonly string[]): string => eventsSql({ project, ...range, includeBots, events: undefined, where: [], columns });
  const hasDeviceless = (await query(`${select([])} AND anonymous_id = '' LIMIT 1`)).length > 0;
  const picked = properties.flatMap(({ own, property }) => ('column' in property ? [{ ...property, name: `picked_${own}` }] : []));
  const isOfPages = properties.some(({ own }) => own === 'pages');
  const isOrdered = hasDeviceless || hasId || picked.length > 0;
  const asking = `SELECT anonymous_id ${events} AND ${namedSql(span.events ?? [])} AND time >= ${timeLiteral(span.fromMs)} AND time < ${timeLiteral(span.toMs)}`;
  const some = span.events === undefined || hasDeviceless ? '' : ` AND anonymous_id IN (${asking})`;
  const all = select([
    BY_HASH.columns, BY_HASH.device, 'bot', 'toUnixTimestamp64Milli(time) AS at', ...(isOrdered ? ['sequence', 'event_id'] : []),
    `${isOfPages ? `(${SESSION_KEY_SQL}, ${PAGE_SQL})` : SESSION_KEY_SQL} AS tag`, ...picked.map(({ name, column }) => `if(${column} = '', '-', concat('=', ${column})) AS ${name}`),
  ]);
  const sessions = sessionsSql({ identity, naming: BY_HASH, rows: all + some, gapMs, hasDeviceless, hasBots: includeBots, isOrdered, keys: picked });
  const made = properties.flatMap(({ own, property }) => {
    if ('column' in property) return [`picked_${own} AS of_session_${own}`];
    return [`${'number' in property ? property.number : `concat('=', ${property.text})`} AS of_session_${own}`];
  });
  return `SELECT key AS of_session_key, fromUnixTimestamp64Milli(start, 'UTC') AS of_session_start
    ${[...(hasId ? ['id AS of_session_id'] : []), ...made].map((column) => `, ${column}`).join('')}
  FROM (SELECT *${isOfPages ? ', arrayCount(t -> t.2, tags) AS pages' : ''} FROM (${sessions})) ARRAY JOIN arrayDistinct(${isOfPages ? 'tags.1' : 'tags'}) AS key`;
}
