import { crc32 } from './crc32.ts';
import type { StoredEvent, Verbatim } from '../event.ts';
import { ShortMd5 } from './md5.ts';
import { PropertyIndex } from '../properties/property-index.ts';
import { memoryOf, RowBytes } from './row-bytes.ts';
import type { Memory } from './row-bytes.ts';
import { dedupKeyText, PREFIX, PREFIX_BYTES, STRING_COLUMNS } from './row.ts';

const FRAME_BYTES = 4;
/** Of a length as LEB128, at the most. */
const LENGTH_BYTES = 5;
const COLUMNS = STRING_COLUMNS.map(([, property]) => property);
/** What the client said, not what the server added: so a retry from another address is no conflict. */
const CONTENT = (['eventName', 'userId', 'anonymousId', 'type', 'properties'] as const).map((name) => COLUMNS.indexOf(name));
/** Up to here a text is written character by character: a native call takes 0.1 us before its first byte. */
const SHORT = 32;
const PROJECT = COLUMNS.indexOf('project');
const EVENT_ID = COLUMNS.indexOf('eventId');
const PROPERTIES = COLUMNS.indexOf('properties');
const NUL = memoryOf(Buffer.alloc(8));
const CLOSE_OBJECT = 0x7d;
const ALL_WRITTEN: Verbatim = {
  body: NUL,
  eventId: 0,
  eventIdEnd: 0,
  userId: 0,
  userIdEnd: 0,
  anonymousId: 0,
  anonymousIdEnd: 0,
  sessionId: 0,
  sessionIdEnd: 0,
  properties: 0,
  propertiesEnd: 0,
  context: 0,
  contextEnd: 0,
};

/** Writes rows one after another into a buffer that grows. */
export class RowWriter {
  readonly #out: RowBytes;
  /** Where the texts of the row being written begin and end. */
  readonly #from = new Int32Array(COLUMNS.length);
  readonly #to = new Int32Array(COLUMNS.length);

  readonly #md5 = new ShortMd5();
  readonly #index = new PropertyIndex();

  constructor(initialBytes = 1 << 20) {
    this.#out = new RowBytes(initialBytes);
  }

  get length(): number {
    return this.#out.end;
  }

  /** Appends one row and returns its size in bytes. */
  write(event: StoredEvent): number {
    const out = this.#out;
    const start = out.end;
    out.reserve(PREFIX_BYTES);
    out.end += PREFIX_BYTES;
    this.#texts(event);
    this.#index.append(out, out, this.#from[PROPERTIES]!, this.#to[PROPERTIES]!);
    const { view } = out;
    setInt64(view, start + PREFIX.offset, 0);
    this.#dedupKey(event, start + PREFIX.key);
    view.setInt32(start + PREFIX.content, this.#contentHash(), true);
    view.setUint16(start + PREFIX.flags, event.flags, true);
    view.setUint8(start + PREFIX.bot, event.bot ? 1 : 0);
    setInt64(view, start + PREFIX.time, event.timeMs);
    setInt64(view, start + PREFIX.receivedAt, event.receivedAtMs);
    setInt64(view, start + PREFIX.originalTime, event.originalTimeMs);
    setInt64(view, start + PREFIX.sequence, event.sequence);
    return out.end - start;
  }

  /** Appends one row as a log frame, its length (UInt32) before it; all of it, or nothing when it throws. */
  writeFramed(event: StoredEvent): void {
    const out = this.#out;
    const frame = out.end;
    try {
      out.reserve(FRAME_BYTES);
      out.end += FRAME_BYTES;
      // First the row: writing it may move the bytes to larger memory.
      const size = this.write(event);
      out.view.setUint32(frame, size, true);
    } catch (error) {
      out.end = frame;
      throw error;
    }
  }

  /** Appends bytes that are said to be a row as a log frame. */
  copyFramed(row: Buffer): void {
    const out = this.#out;
    out.reserve(FRAME_BYTES);
    out.view.setUint32(out.end, row.length, true);
    out.end += FRAME_BYTES;
    out.copy(memoryOf(row), 0, row.length);
  }

  /** The bytes written so far, valid for ever; the writer starts on fresh memory. */
  take(): Buffer {
    const taken = this.#out.written;
    this.#out.renew(Math.max(1 << 16, taken.length));
    return taken;
  }

  /** The bytes written so far, valid until the next row: the writer starts anew in the same memory. */
  drain(): Buffer {
    const drained = this.#out.written;
    this.#out.end = 0;
    return drained;
  }

  /** The columns in the order of STRING_COLUMNS. Named one by one: by a list of names V8 finds them at 20 ns each. */
  #texts(event: StoredEvent): void {
    const verbatim = event.verbatim ?? ALL_WRITTEN;
    const { body } = verbatim;
    this.#text(0, event.project);
    this.#text(1, event.source);
    this.#text(2, event.eventName);
    this.#text(3, event.type);
    this.#copied(4, body, verbatim.eventId, verbatim.eventIdEnd, event.eventId);
    this.#copied(5, body, verbatim.userId, verbatim.userIdEnd, event.userId);
    this.#copied(6, body, verbatim.anonymousId, verbatim.anonymousIdEnd, event.anonymousId);
    this.#copied(7, body, verbatim.sessionId, verbatim.sessionIdEnd, event.sessionId);
    this.#text(8, event.groupId);
    this.#text(9, event.previousId);
    this.#text(10, event.schemaVersion);
    this.#text(11, event.country);
    this.#text(12, event.os);
    this.#text(13, event.browser);
    this.#text(14, event.deviceType);
    this.#text(15, event.channel);
    this.#text(16, event.campaignSource);
    this.#text(17, event.campaignMedium);
    this.#text(18, event.campaignName);
    this.#text(19, event.referrerHost);
    this.#text(20, event.pagePath);
    this.#text(21, event.appVersion);
    this.#text(22, event.locale);
    this.#copied(23, body, verbatim.properties, verbatim.propertiesEnd, event.properties);
    if (verbatim.context !== 0 && event.contextAdded !== undefined) this.#context(verbatim, event.contextAdded);
    else this.#text(24, event.context);
    this.#text(25, event.traits);
  }

  #copied(column: number, body: Memory, start: number, end: number, text: string): void {
    if (start === 0) return this.#text(column, text);
    const out = this.#out;
    out.reserve(LENGTH_BYTES);
    out.length(end - start);
    this.#from[column] = out.end;
    out.copy(body, start, end);
    this.#to[column] = out.end;
  }

  /** The client's object, and what was added to it before its closing brace. */
  #context({ body, context, contextEnd }: Verbatim, added: string): void {
    const out = this.#out;
    const start = out.end;
    const own = contextEnd - 1 - context;
    out.reserve(LENGTH_BYTES);
    out.length(own + added.length + 1);
    out.copy(body, context, contextEnd - 1);
    const size = out.text(added);
    if (size !== added.length) {
      out.end = start;
      out.length(own + size + 1);
      out.copy(body, context, contextEnd - 1);
      out.text(added);
    }
    out.reserve(1);
    out.byte(CLOSE_OBJECT);
  }

  #text(column: number, text = ''): void {
    const out = this.#out;
    const { length } = text;
    if (length > SHORT) return this.#longText(column, text);
    out.reserve(length + 1);
    const { bytes } = out;
    const from = out.end + 1;
    bytes[out.end] = length;
    for (let index = 0; index < length; index++) {
      const unit = text.charCodeAt(index);
      if (unit >= 0x80) return this.#longText(column, text);
      bytes[from + index] = unit;
    }
    this.#from[column] = from;
    this.#to[column] = out.end = from + length;
  }

  /** Nearly all texts have as many bytes as characters; one that hasn't is written once more, behind its true length. */
  #longText(column: number, text: string): void {
    const out = this.#out;
    const start = out.end;
    out.reserve(LENGTH_BYTES);
    out.length(text.length);
    const size = out.text(text);
    if (size !== text.length) {
      out.end = start;
      out.length(size);
      out.text(text);
    }
    this.#from[column] = out.end - size;
    this.#to[column] = out.end;
  }

  /** As `dedupKeyText` has it, of the bytes just written. */
  #dedupKey(event: StoredEvent, at: number): void {
    const { bytes } = this.#out;
    const md5 = this.#md5;
    md5.begin();
    const fits =
      md5.add(bytes, this.#from[PROJECT]!, this.#to[PROJECT]!) &&
      md5.add(NUL.bytes, 0, 1) &&
      md5.add(bytes, this.#from[EVENT_ID]!, this.#to[EVENT_ID]!);
    if (fits) md5.end(bytes, at);
    else bytes.write(dedupKeyText(event.project, event.eventId), at, 'latin1');
  }

  /** CRC-32 of the texts with a NUL between them. */
  #contentHash(): number {
    let crc = 0;
    for (const column of CONTENT) {
      if (column !== CONTENT[0]) crc = crc32(NUL, 0, 1, crc);
      crc = crc32(this.#out, this.#from[column]!, this.#to[column]!, crc);
    }
    return crc;
  }
}

/** `value` is a safe integer. */
function setInt64(view: DataView, at: number, value: number): void {
  const high = Math.floor(value / 0x1_0000_0000);
  view.setUint32(at, value - high * 0x1_0000_0000, true);
  view.setInt32(at + 4, high, true);
}
