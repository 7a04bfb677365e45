/** What the collector asks of the disk below the log, besides writing to it. */
export interface DiskBelowLog {
  /** Bytes that may still be written there. */
  freeBytes(): Promise<number>;
  /** Writes a little and syncs it; rejects when the disk does not take it. */
  probe(): Promise<void>;
}

/** A fast disk takes 160 MB in this time, which must be less than any sensible reserve. */
const LOOK_EVERY_MS = 500;

/**
 * Keeps a reserve free below the log: when less is left, intake stops, so that the engine can still write what was taken,
 * merge and delete. Looks in the background, so that requests only read a flag, and /readyz knows without traffic.
 */
export class LogDisk {
  readonly #disk: DiskBelowLog;
  readonly #reserveBytes: number;
  readonly #timer: NodeJS.Timeout;
  #freeBytes: number | undefined;

  constructor(disk: DiskBelowLog, reserveBytes: number) {
    this.#disk = disk;
    this.#reserveBytes = reserveBytes;
    void this.look();
    this.#timer = setInterval(() => void this.look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  /** Less than the reserve is left. False while that is not known: a disk that can't be asked may still be written. */
  get full(): boolean {
    return this.#freeBytes !== undefined && this.#freeBytes < this.#reserveBytes;
  }

  /** Undefined when there is room, else a sentence for the operator. */
  get shortage(): string | undefined {
    if (!this.full) return undefined;
    return `only ${megabytes(this.#freeBytes!)} MB are free on its disk, and events are refused below ${megabytes(this.#reserveBytes)} MB`;
  }

  probe(): Promise<void> {
    return this.#disk.probe();
  }

  async look(): Promise<void> {
    this.#freeBytes = await this.#disk.freeBytes().catch(() => undefined);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

function megabytes(bytes: number): number {
  return Math.floor(bytes / 1024 ** 2);
}
