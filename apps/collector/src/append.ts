import type { Frames, LogWriter, Receipt } from '@tidemark/log';
import type { IngestMetrics } from './ingest-metrics.ts';
import type { LogDisk } from './log-disk.ts';
import type { Logger } from './logger.ts';

/** How long after a failed append the log counts as not ready, unless one succeeds before or the disk can be asked. */
const FAILURE_SHOWS_MS = 5_000;
const PROBE_EVERY_MS = 1_000;

/** Appends to the log, tells how it fares, and says so once when that changes (a full disk fails every request). */
export class Appender {
  readonly #log: LogWriter;
  readonly #maxPendingBytes: number;
  readonly #metrics: IngestMetrics;
  readonly #logger: Logger;
  readonly #disk: LogDisk | undefined;
  #failedAtMs: number | undefined;

  constructor(log: LogWriter, maxPendingBytes: number, metrics: IngestMetrics, logger: Logger, disk?: LogDisk) {
    this.#log = log;
    this.#maxPendingBytes = maxPendingBytes;
    this.#metrics = metrics;
    this.#logger = logger;
    this.#disk = disk;
  }

  /** More waits for its fsync than we want to hold in memory. */
  get busy(): boolean {
    return this.#log.pendingBytes > this.#maxPendingBytes;
  }

  /** The disk has only its reserve left. */
  get full(): boolean {
    return this.#disk?.full === true;
  }

  /** Undefined when the log takes events, else why it doesn't. */
  get unready(): string | undefined {
    if (this.#disk?.shortage !== undefined) return this.#disk.shortage;
    if (this.busy) return 'more is waiting to be synced than the collector may hold';
    const shows = this.#disk !== undefined || (this.#failedAtMs !== undefined && performance.now() - this.#failedAtMs < FAILURE_SHOWS_MS);
    if (this.#failedAtMs !== undefined && shows) {
      return 'the last append failed; see the log of the collector';
    }
    return undefined;
  }

  /** See LogWriter.stamp: valid for an append in the same tick. */
  stamp(): number {
    return this.#log.stamp();
  }

  /** Resolves true when all is durable, false when nothing of it is. */
  async append(frames: readonly Frames[], receipts: readonly Receipt[], receivedAtMs: number): Promise<boolean> {
    const startedAtMs = performance.now();
    try {
      await this.#log.append(frames, receipts, receivedAtMs);
    } catch (error) {
      this.#metrics.appendFailed();
      if (this.#failedAtMs === undefined) {
        this.#logger.error({ err: error }, 'the log takes no events; they are refused with 503 until it does');
        this.#probeLater();
      }
      this.#failedAtMs = performance.now();
      return false;
    }
    this.#metrics.appended(startedAtMs);
    if (this.#failedAtMs !== undefined) this.#logger.info({}, 'the log takes events again');
    this.#failedAtMs = undefined;
    return true;
  }

  /** Without traffic no append would tell that the disk is well again, and a load balancer sends none to who isn't ready. */
  #probeLater(): void {
    if (this.#disk === undefined) return;
    setTimeout(() => {
      if (this.#failedAtMs === undefined) return;
      this.#disk!.probe().then(
        () => (this.#failedAtMs = undefined),
        () => this.#probeLater(),
      );
    }, PROBE_EVERY_MS).unref();
  }
}
