import { crc32 } from './crc32.ts';
import type { StoredEvent } from './event.ts';
import { ShortMd5 } from './md5.ts';
import { PropertyIndex } from './property-index.ts';
import { dedupKeyText, PREFIX, PREFIX_BYTES, STRING_COLUMNS, writeInt64 } from './row.ts';

const COLUMNS = STRING_COLUMNS.map(([, property]) => property);
/** What the client said, not what the server added: so a retry from another address is no conflict. */
const CONTENT = (['eventName', 'userId', 'anonymousId', 'type', 'properties'] as const).map((name) => COLUMNS.indexOf(name));
/**
 * Up to here a text is written character by character. Longer ones may be pieces of the body's text, of which V8 gives
 * single characters slowly (4 ns); there a native call is faster, though it takes 0.1 us before its first byte.
 */
const SHORT = 12;
const PROJECT = COLUMNS.indexOf('project');
const EVENT_ID = COLUMNS.indexOf('eventId');
const PROPERTIES = COLUMNS.indexOf('properties');
const NUL = Buffer.alloc(1);

/** Writes rows one after another into a buffer that grows. */
export class RowWriter {
  #bytes: Buffer;
  #end = 0;
  /** Where the texts of the row being written begin and end. */
  readonly #from = new Int32Array(COLUMNS.length);
  readonly #to = new Int32Array(COLUMNS.length);

  readonly #md5 = new ShortMd5();
  readonly #index = new PropertyIndex();

  constructor(initialBytes = 1 << 20) {
    this.#bytes = Buffer.allocUnsafeSlow(initialBytes);
  }

  get length(): number {
    return this.#end;
  }

  /** Appends one row and returns its size in bytes. */
  write(event: StoredEvent): number {
    const start = this.#end;
    this.#reserve(PREFIX_BYTES);
    this.#end += PREFIX_BYTES;
    this.#texts(event);
    this.#reserve(this.#index.encode(this.#bytes, this.#from[PROPERTIES]!, this.#to[PROPERTIES]!));
    this.#end += this.#index.copyTo(this.#bytes, this.#end);
    const bytes = this.#bytes;
    writeInt64(bytes, start + PREFIX.offset, 0);
    this.#dedupKey(event, start + PREFIX.key);
    bytes.writeInt32LE(this.#contentHash(), start + PREFIX.content);
    bytes.writeUInt16LE(event.flags, start + PREFIX.flags);
    bytes[start + PREFIX.bot] = event.bot ? 1 : 0;
    writeInt64(bytes, start + PREFIX.time, event.timeMs);
    writeInt64(bytes, start + PREFIX.receivedAt, event.receivedAtMs);
    writeInt64(bytes, start + PREFIX.originalTime, event.originalTimeMs);
    writeInt64(bytes, start + PREFIX.sequence, event.sequence);
    return this.#end - start;
  }

  /** Appends one row as a log frame, its length (UInt32) before it; all of it, or nothing when it throws. */
  writeFramed(event: StoredEvent): void {
    const frame = this.#end;
    try {
      this.#reserve(4);
      this.#end += 4;
      // First the row: writing it may move the bytes to larger memory.
      const size = this.write(event);
      this.#bytes.writeUInt32LE(size, frame);
    } catch (error) {
      this.#end = frame;
      throw error;
    }
  }

  /** Appends bytes that are said to be a row as a log frame. */
  copyFramed(row: Buffer): void {
    this.#reserve(4);
    this.#end = this.#bytes.writeUInt32LE(row.length, this.#end);
    this.#append(row);
  }

  /** The bytes written so far, valid for ever; the writer starts on fresh memory. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#end);
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(1 << 16, this.#end));
    this.#end = 0;
    return taken;
  }

  /** The bytes written so far, valid until the next row: the writer starts anew in the same memory. */
  drain(): Buffer {
    const drained = this.#bytes.subarray(0, this.#end);
    this.#end = 0;
    return drained;
  }

  /** The columns in the order of STRING_COLUMNS. Named one by one: by a list of names V8 finds them at 20 ns each. */
  #texts(event: StoredEvent): void {
    this.#text(0, event.project);
    this.#text(1, event.source);
    this.#text(2, event.eventName);
    this.#text(3, event.type);
    this.#text(4, event.eventId);
    this.#text(5, event.userId);
    this.#text(6, event.anonymousId);
    this.#text(7, event.sessionId);
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
    this.#text(23, event.properties);
    this.#text(24, event.context);
    this.#text(25, event.traits);
  }

  #text(column: number, text = ''): void {
    const { length } = text;
    this.#reserve(length * 3 + 5);
    const bytes = this.#bytes;
    let at = this.#end;
    if (length <= SHORT) {
      bytes[at++] = length;
      for (let index = 0; index < length; index++) {
        const unit = text.charCodeAt(index);
        if (unit >= 0x80) return this.#longText(column, text);
        bytes[at + index] = unit;
      }
      this.#from[column] = at;
      this.#to[column] = this.#end = at + length;
    } else {
      this.#longText(column, text);
    }
  }

  /** Nearly all texts have as many bytes as characters; one that hasn't is written once more, behind its true length. */
  #longText(column: number, text: string): void {
    const bytes = this.#bytes;
    let from = writeLength(bytes, this.#end, text.length);
    const size = bytes.write(text, from);
    if (size !== text.length) {
      from = writeLength(bytes, this.#end, size);
      bytes.write(text, from);
    }
    this.#from[column] = from;
    this.#to[column] = this.#end = from + size;
  }

  /** As `dedupKeyText` has it, of the bytes just written. */
  #dedupKey(event: StoredEvent, at: number): void {
    const bytes = this.#bytes;
    const md5 = this.#md5;
    md5.begin();
    const fits =
      md5.add(bytes, this.#from[PROJECT]!, this.#to[PROJECT]!) &&
      md5.add(NUL, 0, 1) &&
      md5.add(bytes, this.#from[EVENT_ID]!, this.#to[EVENT_ID]!);
    if (fits) md5.end(bytes, at);
    else bytes.write(dedupKeyText(event.project, event.eventId), at, 'latin1');
  }

  /** CRC-32 of the texts with a NUL between them. */
  #contentHash(): number {
    let crc = 0;
    for (const column of CONTENT) {
      if (column !== CONTENT[0]) crc = crc32(NUL, 0, 1, crc);
      crc = crc32(this.#bytes, this.#from[column]!, this.#to[column]!, crc);
    }
    return crc;
  }

  #append(bytes: Buffer): void {
    this.#reserve(bytes.length);
    this.#end += bytes.copy(this.#bytes, this.#end);
  }

  #reserve(more: number): void {
    if (this.#end + more <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#end + more));
    this.#bytes.copy(grown, 0, 0, this.#end);
    this.#bytes = grown;
  }
}

/** LEB128; returns where the bytes of the string begin. */
function writeLength(bytes: Buffer, at: number, length: number): number {
  let rest = length;
  let end = at;
  while (rest >= 0x80) {
    bytes[end++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[end++] = rest;
  return end;
}
