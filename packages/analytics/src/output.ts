/** The shape in which an event leaves the system (design, section 4). */
import { FLAG, type JsonObject } from '@tidemark/event';
import { RECORD_SEPARATOR, type RowBinary } from '@tidemark/warehouse';

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

/** The columns of `timeline` that `outputSelect` needs, by their names, also those that are made when they are asked for. */
export const TIMELINE_COLUMNS = [...OUTPUT_COLUMNS, 'time', 'original_time', 'received_at'].map((column) => `timeline.${column} AS ${column}`);

/** Columns that are, as few of them, a row and its place in the log: `readPackedKeys` reads the first of them, then one of the others the rest. */
export const PACKED_SELECT = 'event_id, user_id, anonymous_id, bot, time, sequence, received_at, offset, packed';

/** What of a row tells whose it is, and its session. */
export type PackedKeys = Pick<TimelineRow, 'event_id' | 'user_id' | 'anonymous_id' | 'bot' | 'time_ms'>;

/** One with its place in the log. */
export type PlacedRow = TimelineRow & { offset: number };

export function readPackedKeys(row: RowBinary): PackedKeys {
  return { event_id: row.text(), user_id: row.text(), anonymous_id: row.text(), bot: row.uint8(), time_ms: row.int64() };
}

export function skipPackedRest(row: RowBinary): void {
  for (let column = 0; column < 3; column++) row.skipInt64();
  row.skipText();
}

/** The row of these keys; `person` is ''. */
export function readPackedRest({ event_id, user_id, anonymous_id, bot, time_ms }: PackedKeys, row: RowBinary): PlacedRow {
  const [sequence, received_at_ms, offset] = [row.int64(), row.int64(), row.int64()];
  const [head = '[]', properties = '', context = '', traits = ''] = row.text().split(RECORD_SEPARATOR);
  const [event_name = '', type = '', session_id = '', group_id = '', previous_id = '', schema_version = '', source = '', flags, originalTime] = JSON.parse(head) as string[];
  // With the session, though it is told later: V8 copies a row of so many members quickly only when nothing is added to it (45 us a row, 6 so; Node 20).
  return {
    event_id, event_name, type, user_id, anonymous_id, session_id, group_id, previous_id, schema_version, sequence, flags: Number(flags), source,
    bot, properties, context, traits, time_ms, original_time_ms: Number(originalTime), received_at_ms, person: '', session_first_id: '', session_start_ms: 0, offset,
  };
}

/** A stored row as the event that is shown. Absent ids, sequence and traits are left out. */
export function toOutput(row: TimelineRow): OutputEvent {
  return JSON.parse(outputLine(row)) as OutputEvent;
}

/** The same as one line of JSON, without its line end. The stored JSON texts go out as they came in, unparsed. */
export function outputLine(row: TimelineRow): string {
  const ids = `${member('userId', row.user_id)}${member('anonymousId', row.anonymous_id)}${member('sessionId', row.session_id)}${member('groupId', row.group_id)}${member('previousId', row.previous_id)}`;
  const session = row.session_first_id && row.session_start_ms !== undefined ? `,"session":{"id":${JSON.stringify(row.session_first_id)},"start":"${iso(row.session_start_ms)}"}` : '';
  const times = `"timestamp":"${iso(row.time_ms)}","originalTimestamp":"${iso(row.original_time_ms)}","receivedAt":"${iso(row.received_at_ms)}"`;
  const sequence = (Number(row.flags) & FLAG.sequenceGiven) !== 0 ? `,"sequence":${Number(row.sequence)}` : '';
  const traits = row.traits === '{}' || row.traits === '' ? '' : `,"traits":${row.traits}`;
  return `{"eventId":${JSON.stringify(row.event_id)},"eventName":${JSON.stringify(row.event_name)},"type":${JSON.stringify(row.type)}${ids},"personId":${JSON.stringify(row.person)}${session},${times}${sequence}${member('schemaVersion', row.schema_version)},"source":${JSON.stringify(row.source)},"bot":${Number(row.bot) === 1},"properties":${row.properties || '{}'},"context":${row.context || '{}'}${traits}}`;
}

/** '' when it is absent. */
function member(name: string, value: string): string {
  return value === '' ? '' : `,"${name}":${JSON.stringify(value)}`;
}

function iso(epochMs: number | string): string {
  return new Date(Number(epochMs)).toISOString();
}
