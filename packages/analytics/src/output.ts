/** The shape in which an event leaves the system (design, section 4). */
import { FLAG, type JsonObject } from '@tidemark/event';

/** Columns of `timeline` that make an output event; `person` is the mapped personId. */
const OUTPUT_COLUMNS = [
  'event_id', 'event_name', 'type', 'user_id', 'anonymous_id', 'session_id', 'group_id', 'previous_id', 'schema_version',
  'sequence', 'flags', 'source', 'bot', 'properties', 'context', 'traits',
] as const;

/** A row of the timeline as `outputSelect` reads it. Times are epoch ms. */
export interface TimelineRow {
  event_id: string;
  event_name: string;
  type: string;
  user_id: string;
  anonymous_id: string;
  session_id: string;
  group_id: string;
  previous_id: string;
  schema_version: string;
  sequence: number;
  flags: number;
  source: string;
  bot: number;
  properties: string;
  context: string;
  traits: string;
  time_ms: number;
  original_time_ms: number;
  received_at_ms: number;
  person: string;
  /** Where it is known (not ''): the eventId of the first event of the session, and its time. */
  session_first_id?: string;
  session_start_ms?: number;
}

export interface OutputEvent {
  eventId: string;
  eventName: string;
  type: string;
  userId?: string;
  anonymousId?: string;
  sessionId?: string;
  groupId?: string;
  previousId?: string;
  personId: string;
  /** The session by our rules (S1 to S3); its id is the eventId of its first event. Of stored events only. */
  session?: { id: string; start: string };
  /** Corrected event time. */
  timestamp: string;
  originalTimestamp: string;
  receivedAt: string;
  sequence?: number;
  schemaVersion?: string;
  source: string;
  bot: boolean;
  properties: JsonObject;
  context: JsonObject;
  traits?: JsonObject;
}

/** Expressions that select a TimelineRow, with `person` from SQL. */
export function outputSelect(personSql: string): string {
  const times = ['time', 'original_time', 'received_at'].map((name) => `toUnixTimestamp64Milli(${name}) AS ${name}_ms`);
  return [...OUTPUT_COLUMNS, ...times, `${personSql} AS person`].join(', ');
}

/** A stored row as the event that is shown. Absent ids, sequence and traits are left out. */
export function toOutput(row: TimelineRow): OutputEvent {
  return JSON.parse(outputLine(row)) as OutputEvent;
}

/** The same as one line of JSON, without its line end. The stored JSON texts go out as they came in, unparsed. */
export function outputLine(row: TimelineRow): string {
  const head: Record<string, unknown> = { eventId: row.event_id, eventName: row.event_name, type: row.type };
  const ids = { userId: row.user_id, anonymousId: row.anonymous_id, sessionId: row.session_id, groupId: row.group_id, previousId: row.previous_id };
  for (const [name, id] of Object.entries(ids)) if (id !== '') head[name] = id;
  head['personId'] = row.person;
  if (row.session_first_id && row.session_start_ms !== undefined) head['session'] = { id: row.session_first_id, start: iso(row.session_start_ms) };
  head['timestamp'] = iso(row.time_ms);
  head['originalTimestamp'] = iso(row.original_time_ms);
  head['receivedAt'] = iso(row.received_at_ms);
  if ((Number(row.flags) & FLAG.sequenceGiven) !== 0) head['sequence'] = Number(row.sequence);
  if (row.schema_version !== '') head['schemaVersion'] = row.schema_version;
  head['source'] = row.source;
  head['bot'] = Number(row.bot) === 1;
  const traits = row.traits === '{}' || row.traits === '' ? '' : `,"traits":${row.traits}`;
  return `${JSON.stringify(head).slice(0, -1)},"properties":${row.properties || '{}'},"context":${row.context || '{}'}${traits}}`;
}

function iso(epochMs: number | string): string {
  return new Date(Number(epochMs)).toISOString();
}
