/** The sessions of the events of a range, as `joinSessions` joins them. */
import { literal } from '@tidemark/warehouse';
import { eventsSql } from './events.ts';
import { ACTOR_COLUMNS } from './person.ts';
import type { ProjectIdentity } from './project-identity.ts';
import { sessionsRead, type SessionSpan } from './session-of-event.ts';
import { PAGE_SQL, sessionProperty, type SessionProperty } from './session-properties.ts';
import { closedBy, openedSince } from './session-window.ts';
import { sessionsSql } from './sessions.ts';

export interface SessionSource {
  identity: ProjectIdentity;
  query<Row>(sql: string): Promise<Row[]>;
}

/** Definitions of the sessions that a statement (without its texts) reads. Throws what `query` throws. */
export async function sessionDefinitions(sql: string, source: SessionSource): Promise<string[]> {
  const { spans, columns } = sessionsRead(sql);
  const properties = columns.filter((own) => !['id', 'start', 'who', 'device', 'bot'].includes(own)).map((own) => ({ own, property: sessionProperty(`session.${own}`, '')! }));
  const definitions: string[] = [];
  for (const [name, span] of spans) definitions.push(`${name} AS (${await sessionsOf(span, properties, columns.includes('id'), source)})`);
  return definitions;
}

/** SELECT of the sessions, once for each user that took part, and for each event without a device. */
async function sessionsOf(span: Required<SessionSpan>, properties: readonly { own: string; property: SessionProperty }[], hasId: boolean, { identity, query }: SessionSource): Promise<string> {
  const { project } = identity;
  const { gapMs, includeBots } = span;
  const events = `FROM events WHERE project = ${literal(project)}${includeBots ? '' : ' AND bot = 0'}`;
  const window = { events, gapMs, query };
  const range = { fromMs: await openedSince(span.fromMs, window), toMs: await closedBy(span.toMs, window) };
  const select = (columns: readonly string[]): string => eventsSql({ project, ...range, includeBots, events: undefined, where: [], columns });
  const hasDeviceless = (await query(`${select([])} AND anonymous_id = '' LIMIT 1`)).length > 0;
  const picked = properties.flatMap(({ own, property }) => ('column' in property ? [{ ...property, name: `picked_${own}` }] : []));
  const isOfPages = properties.some(({ own }) => own === 'pages');
  const isOrdered = hasDeviceless || hasId || picked.length > 0;
  const rows = select([
    ACTOR_COLUMNS, 'anonymous_id AS device', 'bot', 'toUnixTimestamp64Milli(time) AS at', ...(isOrdered ? ['sequence', 'event_id'] : []),
    `(anonymous_id = '', if(anonymous_id = '', event_id, user_id)${isOfPages ? `, ${PAGE_SQL}` : ''}) AS tag`, ...picked.map(({ name, column }) => `if(${column} = '', '-', concat('=', ${column})) AS ${name}`),
  ]);
  const sessions = sessionsSql({ identity, rows, gapMs, hasDeviceless, isOrdered, keys: picked });
  const made = properties.flatMap(({ own, property }) => {
    if ('column' in property) return [`picked_${own} AS of_session_${own}`];
    return [`${'number' in property ? property.number : `concat('=', ${property.text})`} AS of_session_${own}`];
  });
  return `SELECT member.2 AS of_session_who, if(member.1, '', device) AS of_session_device, bot AS of_session_bot, fromUnixTimestamp64Milli(start, 'UTC') AS of_session_start
    ${[...(hasId ? ['id AS of_session_id'] : []), ...made].map((column) => `, ${column}`).join('')}
  FROM (SELECT *${isOfPages ? ', arrayCount(t -> t.3, tags) AS pages' : ''} FROM (${sessions})) ARRAY JOIN arrayDistinct(arrayMap(t -> (t.1, t.2), tags)) AS member`;
}
