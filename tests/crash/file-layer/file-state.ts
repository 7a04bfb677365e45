/** A file as a disk knows it: what was synced, and the changes since, of which a power loss keeps what it likes. */

export type Change = { readonly end: number } & (
  | { readonly kind: 'write'; readonly offset: number; readonly bytes: Buffer; /** By itself: O_SYNC, O_DSYNC. */ readonly synced: boolean }
  | { readonly kind: 'truncate'; readonly size: number }
);

/** Bytes that grow; what was never written is zero. */
export class Content {
  #buffer: Buffer;
  #size: number;

  constructor(from: Buffer = Buffer.alloc(0)) {
    this.#buffer = Buffer.from(from);
    this.#size = from.length;
  }

  get size(): number {
    return this.#size;
  }

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#size);
  }

  write(offset: number, bytes: Buffer): void {
    this.resize(Math.max(this.#size, offset + bytes.length));
    bytes.copy(this.#buffer, offset);
  }

  resize(size: number): void {
    if (size > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(size, 2 * this.#buffer.length));
      this.bytes.copy(larger);
      this.#buffer = larger;
    }
    if (size < this.#size) this.#buffer.fill(0, size, this.#size);
    this.#size = size;
  }

  apply(change: Change): void {
    if (change.kind === 'write') this.write(change.offset, change.bytes);
    else this.resize(change.size);
  }
}

export class FileState {
  readonly synced = new Content();
  readonly #pending: Change[] = [];

  get pending(): readonly Change[] {
    return this.#pending;
  }

  add(change: Change): void {
    this.#pending.push(change);
  }

  /** A sync that began when the journal was `begun` bytes long has ended. True when it had the file's size to write. */
  sync(begun: number): boolean {
    const sizeBefore = this.synced.size;
    let resized = false;
    while (this.#pending[0] !== undefined && this.#pending[0].end <= begun) {
      const change = this.#pending.shift()!;
      resized ||= change.kind === 'truncate';
      this.synced.apply(change);
    }
    return resized || this.synced.size !== sizeBefore;
  }
}

/** The contents as the process sees them, nothing lost. */
export function contentNow(file: FileState): Buffer {
  return contentWith(file, file.pending);
}

/** What was synced, and these changes. */
export function contentWith(file: FileState, changes: readonly Change[]): Buffer {
  if (changes.length === 0) return file.synced.bytes;
  const content = new Content(file.synced.bytes);
  for (const change of changes) content.apply(change);
  return content.bytes;
}
