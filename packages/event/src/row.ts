/**
 * The one binary shape of an event between the collector and the stores: a ClickHouse RowBinary row.
 *
 * The collector parses an event once and writes this row; the processor reads only the fixed-width prefix,
 * patches the offset in place, and hands the bytes to ClickHouse as they are (measured: 0.5 us an event into the
 * staging table, against 46-66 us of CPU for JSONEachRow with two JSON columns; 2 cores, chDB 26.7, 2026-11-22).
 *
 *   bytes  0..7   offset      UInt64           0 until the processor knows it
 *          8..23  key         FixedString(16)  dedup key: MD5 of project, NUL, eventId
 *         24..27  content     UInt32           CRC-32 of what the client said; tells a duplicate from a conflict
 *         28..29  flags       UInt16           see FLAG
 *         30      bot         UInt8            0 or 1
 *         31..38  time        Int64            epoch ms, DateTime64(3)
 *         39..46  received_at Int64            epoch ms
 *         47..54  original_time Int64          epoch ms
 *         55..62  sequence    Int64
 *         63..    the string columns in the order of STRING_COLUMNS, each a LEB128 byte length and UTF-8
 */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { EventType, StoredEvent } from './event.ts';

export const PREFIX_BYTES = 63;
export const PREFIX = { offset: 0, key: 8, content: 24, flags: 28, bot: 30, time: 31, receivedAt: 39, originalTime: 47, sequence: 55 } as const;

/** String columns in row order: [ClickHouse column, property of StoredEvent]. */
export const STRING_COLUMNS = [
  ['project', 'project'],
  ['source', 'source'],
  ['event_name', 'eventName'],
  ['type', 'type'],
  ['event_id', 'eventId'],
  ['user_id', 'userId'],
  ['anonymous_id', 'anonymousId'],
  ['session_id', 'sessionId'],
  ['group_id', 'groupId'],
  ['previous_id', 'previousId'],
  ['schema_version', 'schemaVersion'],
  ['country', 'country'],
  ['os', 'os'],
  ['browser', 'browser'],
  ['device_type', 'deviceType'],
  ['channel', 'channel'],
  ['campaign_source', 'campaignSource'],
  ['campaign_medium', 'campaignMedium'],
  ['campaign_name', 'campaignName'],
  ['referrer_host', 'referrerHost'],
  ['page_path', 'pagePath'],
  ['app_version', 'appVersion'],
  ['locale', 'locale'],
  ['properties', 'properties'],
  ['context', 'context'],
  ['traits', 'traits'],
] as const satisfies readonly (readonly [string, keyof StoredEvent])[];

/** Structure of a row for ClickHouse's `file(path, 'RowBinary', structure)`. */
export const ROW_STRUCTURE = [
  'offset UInt64',
  'key FixedString(16)',
  'content UInt32',
  'flags UInt16',
  'bot UInt8',
  "time DateTime64(3, 'UTC')",
  "received_at DateTime64(3, 'UTC')",
  "original_time DateTime64(3, 'UTC')",
  'sequence Int64',
  ...STRING_COLUMNS.map(([column]) => `${column} String`),
].join(', ');

/** The dedup key of an event: 16 bytes, the same for every copy of the event in a project. */
export function dedupKey(project: string, eventId: string): Buffer {
  return createHash('md5').update(`${project}\0${eventId}`).digest();
}

/** Writes rows one after another into a buffer that grows; take() hands the bytes over and starts anew. */
export class RowWriter {
  #bytes: Buffer;
  #end = 0;

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
    const bytes = this.#bytes;
    writeInt64(bytes, start + PREFIX.offset, 0);
    dedupKey(event.project, event.eventId).copy(bytes, start + PREFIX.key);
    bytes.writeUInt32LE(contentHash(event), start + PREFIX.content);
    bytes.writeUInt16LE(event.flags, start + PREFIX.flags);
    bytes[start + PREFIX.bot] = event.bot ? 1 : 0;
    writeInt64(bytes, start + PREFIX.time, event.timeMs);
    writeInt64(bytes, start + PREFIX.receivedAt, event.receivedAtMs);
    writeInt64(bytes, start + PREFIX.originalTime, event.originalTimeMs);
    writeInt64(bytes, start + PREFIX.sequence, event.sequence);
    this.#end = start + PREFIX_BYTES;
    for (const [, property] of STRING_COLUMNS) this.#string(event[property]);
    return this.#end - start;
  }

  /** The bytes written so far, valid for ever; the writer starts on fresh memory. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#end);
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(1 << 16, this.#end));
    this.#end = 0;
    return taken;
  }

  /** Appends one row as a log frame, its length (UInt32) before it; all of it, or nothing when it throws. */
  writeFramed(event: StoredEvent): void {
    const frame = this.#end;
    try {
      this.#reserve(4);
      this.#end += 4;
      this.#bytes.writeUInt32LE(this.write(event), frame);
    } catch (error) {
      this.#end = frame;
      throw error;
    }
  }

  /** The bytes written so far, copied into memory of just their size; the writer keeps its own and starts anew. */
  drain(): Buffer {
    const drained = Buffer.allocUnsafeSlow(this.#end);
    this.#bytes.copy(drained, 0, 0, this.#end);
    this.#end = 0;
    return drained;
  }

  #string(text: string): void {
    const length = text.length;
    // UTF-8 needs at most three bytes for each UTF-16 unit.
    this.#reserve(length * 3 + 5);
    const bytes = this.#bytes;
    const at = this.#end;
    if (length < 43) {
      // At most 126 bytes: the length takes one byte, whatever it is.
      const written = length === 0 ? 0 : bytes.write(text, at + 1);
      bytes[at] = written;
      this.#end = at + 1 + written;
      return;
    }
    let rest = Buffer.byteLength(text);
    let end = at;
    while (rest >= 0x80) {
      bytes[end++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[end++] = rest;
    this.#end = end + bytes.write(text, end);
  }

  #reserve(more: number): void {
    if (this.#end + more <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#end + more));
    this.#bytes.copy(grown, 0, 0, this.#end);
    this.#bytes = grown;
  }
}

/** Reads one row back. `row` starts at the row's first byte. */
export function readRow(row: Buffer): StoredEvent & { offset: number } {
  const event: Record<string, unknown> = {
    offset: readInt64(row, PREFIX.offset),
    flags: row.readUInt16LE(PREFIX.flags),
    bot: row[PREFIX.bot] === 1,
    timeMs: readInt64(row, PREFIX.time),
    receivedAtMs: readInt64(row, PREFIX.receivedAt),
    originalTimeMs: readInt64(row, PREFIX.originalTime),
    sequence: readInt64(row, PREFIX.sequence),
  };
  let at = PREFIX_BYTES;
  for (const [, property] of STRING_COLUMNS) {
    let size = 0;
    let shift = 0;
    for (;;) {
      const byte = row[at++];
      if (byte === undefined) throw new RangeError('row ends inside a string');
      size |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
      shift += 7;
    }
    if (at + size > row.length) throw new RangeError('row ends inside a string');
    event[property] = row.toString('utf8', at, at + size);
    at += size;
  }
  event['type'] = event['type'] as EventType;
  return event as unknown as StoredEvent & { offset: number };
}

/** Writes a safe integer (or one in the range of ±2^53) as a little-endian Int64. */
export function writeInt64(bytes: Buffer, at: number, value: number): void {
  const high = Math.floor(value / 0x1_0000_0000);
  bytes.writeUInt32LE(value - high * 0x1_0000_0000, at);
  bytes.writeInt32LE(high, at + 4);
}

export function readInt64(bytes: Buffer, at: number): number {
  return bytes.readInt32LE(at + 4) * 0x1_0000_0000 + bytes.readUInt32LE(at);
}

/** CRC-32 over what the client said (not what the server added), so that a retry by another address is no conflict. */
function contentHash(event: StoredEvent): number {
  return crc32(event.properties, crc32(`${event.eventName}\0${event.userId}\0${event.anonymousId}\0${event.type}`));
}
