/**
 * `session.…` of events: what the session is that an event belongs to (rule P6). The sessions of a range are made once a statement
 * (sessions-of-range.ts), and each event is joined to its own: the last of its user on its device that had begun by then. An event without a device
 * is told with the session that it fell into.
 */
import { fromText, type PropertySql } from './property-sql.ts';
import { EARLIEST_MS } from './range.ts';
import { sessionProperty } from './session-properties.ts';
import { DEFAULT_GAP_MS } from './session-window.ts';

/** Which sessions: of the events of [fromMs, toMs), apart after silences longer than `gapMs`. */
export interface SessionSpan {
  fromMs: number;
  toMs: number;
  gapMs?: number;
  includeBots: boolean;
}

/** The eventId of the session's first event, and when that was: columns of a joined row. */
export const SESSION_ID = 'of_session_id';
export const SESSION_START = 'of_session_start';

const COLUMN = /\bof_session_(\w+)\b/g;
const NAME = /\bsessions_of_(\d+)_(\d+)_(\d+)_([01])\b/g;

/** Reads a property of the session of a row of events that `joinSessions` has joined. Throws a QuestionError. */
export function sessionSql(name: string, field: string): PropertySql | undefined {
  const property = sessionProperty(name, field);
  if (property === undefined) return undefined;
  const column = `of_session_${name.slice(name.indexOf('.') + 1)}`;
  if ('number' in property) return { text: `toString(${column})`, number: column };
  // A text that is set begins with '='.
  return fromText(`if(startsWith(${column}, '='), substring(${column}, 2), NULL)`);
}

/** JOIN of a table of events with their sessions, if any of these is `read`. */
export function joinSessions(read: string, { fromMs, toMs, gapMs = DEFAULT_GAP_MS, includeBots }: SessionSpan): string {
  if (read.search(COLUMN) < 0) return '';
  const name = `sessions_of_${fromMs - EARLIEST_MS}_${toMs - EARLIEST_MS}_${gapMs}_${includeBots ? 1 : 0}`;
  return ` ASOF LEFT JOIN ${name} ON if(anonymous_id = '', event_id, user_id) = of_session_who AND anonymous_id = of_session_device AND bot = of_session_bot AND time >= of_session_start`;
}

/** What a statement (without its texts) reads of sessions: by name which ones, and the names of columns without `of_session_`. */
export function sessionsRead(sql: string): { spans: Map<string, Required<SessionSpan>>; columns: string[] } {
  const spans = [...sql.matchAll(NAME)].map(
    ([name, from, to, gap, bots]) => [name, { fromMs: Number(from) + EARLIEST_MS, toMs: Number(to) + EARLIEST_MS, gapMs: Number(gap), includeBots: bots === '1' }] as const,
  );
  return { spans: new Map(spans), columns: [...new Set([...sql.matchAll(COLUMN)].map(([, own = '']) => own))] };
}
