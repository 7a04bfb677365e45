import { PREFIX, PREFIX_BYTES, readInt64 } from '@tidemark/event';

/** Project and source of a row without decoding the rest: they are its first two strings. */
export class RowOrigin {
  #last: Buffer | undefined;
  #project = '';
  #source = '';

  /** Rows of one request stand together, so the texts of the row before mostly serve again. */
  read(bytes: Buffer, start: number): { project: string; source: string } {
    const at = start + PREFIX_BYTES;
    const last = this.#last;
    if (last === undefined || bytes.compare(last, 0, last.length, at, at + last.length) !== 0) {
      const projectEnd = stringEnd(bytes, at);
      const sourceEnd = stringEnd(bytes, projectEnd);
      this.#last = Buffer.from(bytes.subarray(at, sourceEnd));
      this.#project = bytes.toString('utf8', stringStart(bytes, at), projectEnd);
      this.#source = bytes.toString('utf8', stringStart(bytes, projectEnd), sourceEnd);
    }
    return { project: this.#project, source: this.#source };
  }
}

export function receivedAtMs(bytes: Buffer, start: number): number {
  return readInt64(bytes, start + PREFIX.receivedAt);
}

function stringStart(bytes: Buffer, at: number): number {
  let start = at;
  while (bytes[start]! >= 0x80) start++;
  return start + 1;
}

function stringEnd(bytes: Buffer, at: number): number {
  let size = 0;
  let shift = 0;
  let start = at;
  for (;;) {
    const byte = bytes[start++];
    if (byte === undefined) throw new RangeError('row ends inside a length');
    size |= (byte & 0x7f) << shift;
    if (byte < 0x80) return start + size;
    shift += 7;
  }
}
