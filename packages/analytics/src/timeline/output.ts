/** The shape in which an event leaves the system (design, section 4). */
import { FLAG, type JsonObject } from '@tidemark/event';
import { RECORD_SEPARATOR, type RowBinary } from '@tidemark/warehouse';
import { ByteWriter } from './byte-writer.ts';

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

/** What of a row tells whose it is, and its session. */
export const KEYS_SELECT = 'event_id, user_id, anonymous_id, bot, time, sequence';
/** Columns that are, as few of them, a row and its place in the log: `RowKeys` reads the first of them, `readPackedRest` the others. */
export const PACKED_SELECT = `${KEYS_SELECT}, received_at, offset, packed`;

/** A row of `KEYS_SELECT`, or what is alike of one of `PACKED_SELECT`. Of most rows nobody asks the eventId: it is read when somebody does. */
export class RowKeys {
  readonly #answer: RowBinary;
  readonly #eventIdPlace: number;
  /** Where the row's other columns begin. */
  readonly #restPlace: number;
  readonly user_id: string;
  readonly anonymous_id: string;
  readonly bot: number;
  readonly time_ms: number;
  readonly sequence: number;

  /** `before`: of the row before. */
  constructor(answer: RowBinary, before: RowKeys | undefined) {
    this.#answer = answer;
    this.#eventIdPlace = answer.placeOfText();
    this.user_id = answer.text(before?.user_id);
    this.anonymous_id = answer.text(before?.anonymous_id);
    this.bot = answer.uint8();
    this.time_ms = answer.int64();
    this.sequence = answer.int64();
    this.#restPlace = answer.place;
  }

  get event_id(): string {
    return this.#answer.textAt(this.#eventIdPlace);
  }

  get event_id_bytes(): Buffer {
    return this.#answer.bytesAt(this.#eventIdPlace);
  }

  /** The answer, at the row's other columns. */
  rest(): RowBinary {
    this.#answer.goTo(this.#restPlace);
    return this.#answer;
  }
}

/** A row but for its JSON texts. */
type RowWithoutTexts = Omit<TimelineRow, 'properties' | 'context' | 'traits'>;

/** One with its place in the log, whose texts stay the bytes that the warehouse answered with. */
export interface PlacedRow extends RowWithoutTexts {
  offset: number;
  /** Properties, context and traits, a record separator between. */
  texts: Buffer;
}

const SEPARATOR_BYTE = RECORD_SEPARATOR.charCodeAt(0);

/** Leaves out the columns that `PACKED_SELECT` has after the keys. */
export function skipPackedRest(row: RowBinary): void {
  for (let column = 0; column < 2; column++) row.skipInt64();
  row.skipText();
}

/** The place in the log of a row of `PACKED_SELECT`. */
export function packedOffset(keys: RowKeys): number {
  const row = keys.rest();
  row.skipInt64();
  return row.int64();
}

/** The whole row of these keys, of `PACKED_SELECT`; `person` is ''. */
export function readPackedRest(keys: RowKeys): PlacedRow {
  const { event_id, user_id, anonymous_id, bot, time_ms, sequence } = keys;
  const row = keys.rest();
  const [received_at_ms, offset] = [row.int64(), row.int64()];
  const packed = row.bytes();
  const headEnd = packed.indexOf(SEPARATOR_BYTE);
  const [event_name = '', type = '', session_id = '', group_id = '', previous_id = '', schema_version = '', source = '', flags, originalTime] = JSON.parse(packed.toString('utf8', 0, headEnd)) as string[];
  // With the session, though it is told later: V8 copies a row of so many members quickly only when nothing is added to it (45 us a row, 6 so; Node 20).
  return {
    event_id, event_name, type, user_id, anonymous_id, session_id, group_id, previous_id, schema_version, sequence, flags: Number(flags), source,
    bot, time_ms, original_time_ms: Number(originalTime), received_at_ms, person: '', session_first_id: '', session_start_ms: 0, offset, texts: packed.subarray(headEnd + 1),
  };
}

/** A stored row as the event that is shown. Absent ids, sequence and traits are left out. */
export function toOutput(row: TimelineRow): OutputEvent {
  return JSON.parse(outputLine(row)) as OutputEvent;
}

/** The same as one line of JSON, without its line end. The stored JSON texts go out as they came in, unparsed. */
export function outputLine(row: TimelineRow): string {
  const line = lineMemory.cleared();
  writeFields(row, row.person, line);
  line.text(row.properties || '{}');
  line.text(',"context":');
  line.text(row.context || '{}');
  if (row.traits !== '' && row.traits !== '{}') writeMember('traits', line).text(row.traits);
  line.text('}');
  return line.written.toString();
}

const lineMemory = new ByteWriter(4_096);

/** Writes the same line of a row of a page. Its texts are copied as bytes: made into texts, they were most of what a page left to be collected. */
export function writeOutput(row: PlacedRow, person: string, to: ByteWriter): void {
  const { texts } = row;
  const propertiesEnd = texts.indexOf(SEPARATOR_BYTE);
  const contextEnd = texts.indexOf(SEPARATOR_BYTE, propertiesEnd + 1);
  writeFields(row, person, to);
  writeObject(texts, 0, propertiesEnd, to);
  to.text(',"context":');
  writeObject(texts, propertiesEnd + 1, contextEnd, to);
  const traits = texts.length - contextEnd - 1;
  // `{}` says as much as nothing, and no other object is as short.
  if (traits > 2) writeObject(texts, contextEnd + 1, texts.length, writeMember('traits', to));
  to.text('}');
}

function writeObject(texts: Buffer, from: number, to: number, out: ByteWriter): void {
  if (from === to) out.text('{}');
  else out.bytes(texts, from, to);
}

/** A line up to its properties. */
function writeFields(row: RowWithoutTexts, person: string, to: ByteWriter): void {
  to.text('{"eventId":');
  to.string(row.event_id);
  writeMember('eventName', to).string(row.event_name);
  writeMember('type', to).string(row.type);
  writeId('userId', row.user_id, to);
  writeId('anonymousId', row.anonymous_id, to);
  writeId('sessionId', row.session_id, to);
  writeId('groupId', row.group_id, to);
  writeId('previousId', row.previous_id, to);
  writeMember('personId', to).string(person);
  if (row.session_first_id && row.session_start_ms !== undefined) {
    to.text(',"session":{"id":');
    to.string(row.session_first_id);
    writeMember('start', to).time(row.session_start_ms);
    to.text('}');
  }
  writeMember('timestamp', to).time(Number(row.time_ms));
  writeMember('originalTimestamp', to).time(Number(row.original_time_ms));
  writeMember('receivedAt', to).time(Number(row.received_at_ms));
  if ((Number(row.flags) & FLAG.sequenceGiven) !== 0) writeMember('sequence', to).text(String(Number(row.sequence)));
  writeId('schemaVersion', row.schema_version, to);
  writeMember('source', to).string(row.source);
  to.text(Number(row.bot) === 1 ? ',"bot":true,"properties":' : ',"bot":false,"properties":');
}

/** Absent when it is ''. */
function writeId(name: string, value: string, to: ByteWriter): void {
  if (value !== '') writeMember(name, to).string(value);
}

function writeMember(name: string, to: ByteWriter): ByteWriter {
  to.text(',"');
  to.text(name);
  to.text('":');
  return to;
}
