/**
 * `session.…` of events: what the session is that an event belongs to (rule P6). The sessions of a range are made once a statement
 * (sessions-of-range.ts), and each event is joined to its own: the last of its user on its device that had begun by then. An event without a device
 * is told with the session that it fell into.
 */
import { hashOf } from '../identity/person-hash.ts';
import { fromText, type PropertySql } from '../properties/property-sql.ts';
import { EARLIEST_MS } from '../time/range.ts';
import { sessionProperty } from './session-properties.ts';
import { DEFAULT_GAP_MS } from './session-window.ts';

/** Which sessions: of the events of [fromMs, toMs), apart after silences longer than `gapMs`. */
export interface SessionSpan {
  fromMs: number;
  toMs: number;
  gapMs?: number;
  includeBots: boolean;
  /** Only those that hold an event of these names are needed; absent = all. */
  events?: string | readonly string[] | undefined;
}

/** The eventId of the session's first event, and when that was: columns of a joined row. */
export const SESSION_ID = 'of_session_id';
export const SESSION_START = 'of_session_start';

const COLUMN = /\bof_session_(\w+)\b/g;
const NAME = /\bsessions_of_(\d+)_(\d+)_(\d+)_([01])_([0-9a-f]*)\b/g;
/** Longer lists of names are not told: the sessions of all events are made. */
const MAX_NAMES_BYTES = 1_000;

/**
 * By what an event finds its session: a hash of its user, device and whether it is a bot's, so that the sessions of who shares a device
 * are told apart; without a device, of itself. As sure as `person-hash.ts`.
 */
export const SESSION_KEY_SQL = `if(anonymous_id = '', ${hashOf('event_id')} + 2, ${hashOf('anonymous_id')} + 3 * ${hashOf('user_id')}) + bot`;

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
export function joinSessions(read: string, { fromMs, toMs, gapMs = DEFAULT_GAP_MS, includeBots, events }: SessionSpan): string {
  if (read.search(COLUMN) < 0) return '';
  const names = events === undefined ? '' : Buffer.from(JSON.stringify([events].flat())).toString('hex');
  const name = `sessions_of_${fromMs - EARLIEST_MS}_${toMs - EARLIEST_MS}_${gapMs}_${includeBots ? 1 : 0}_${names.length > 2 * MAX_NAMES_BYTES ? '' : names}`;
  return ` ASOF LEFT JOIN ${name} ON ${SESSION_KEY_SQL} = of_session_key AND time >= of_session_start`;
}

/** What a statement (without its texts) reads of sessions: by name which ones, and the names of columns without `of_session_`. */
export function sessionsRead(sql: string): { spans: Map<string, Required<SessionSpan>>; columns: string[] } {
  const namesOf = (hex: string): readonly string[] | undefined => (hex === '' ? undefined : (JSON.parse(Buffer.from(hex, 'hex').toString()) as string[]));
  const spans = [...sql.matchAll(NAME)].map(
    ([name, from, to, gap, bots, names = '']) =>
      [name, { fromMs: Number(from) + EARLIEST_MS, toMs: Number(to) + EARLIEST_MS, gapMs: Number(gap), includeBots: bots === '1', events: namesOf(names) }] as const,
  );
  return { spans: new Map(spans), columns: [...new Set([...sql.matchAll(COLUMN)].map(([, own = '']) => own))] };
}
