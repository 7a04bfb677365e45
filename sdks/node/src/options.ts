import type { CapturedEvent } from '@tidemark/sdk-core';

export interface TidemarkOptions {
  /** The key of a source of the project. */
  writeKey: string;
  /** Where the collector answers, such as `https://events.example.com`. */
  host: string;
  /** Default `/api/events/batch`. */
  path?: string;
  /**
   * What happens to a call while the queue is full: `drop` drops the oldest events and counts them (the default), `block`
   * lets the call's promise wait for room, `error` resolves it with `refused`. Only `block` with every call awaited keeps all.
   */
  whenFull?: 'drop' | 'block' | 'error';
  /** The queue holds at most so much. Defaults 10,000 events, 20 MB. */
  maxQueueEvents?: number;
  maxQueueBytes?: number;
  /** A batch goes when so many events wait (default 100), or the oldest has waited so long (default 2,000 ms). */
  flushAt?: number;
  flushIntervalMs?: number;
  /** Between attempts: the first wait is a random share of `minDelayMs` (default 500), each next of twice as much, up to `maxDelayMs` (default 60,000). */
  minDelayMs?: number;
  maxDelayMs?: number;
  /** Of one request, the answer included. Default 10,000. */
  timeoutMs?: number;
  /**
   * A folder of this machine where queued events are kept until they are delivered, so that they survive the process.
   * Processes of one machine may share it; machines may not. Absent: memory only.
   */
  spoolPath?: string;
  /** Whether what waits is sent before the process ends by SIGTERM, SIGINT or itself. Default true. */
  flushOnExit?: boolean;
  /** How long the process's end may wait for that. Default 5,000 ms. */
  exitTimeoutMs?: number;
  /** Sees each event before it is queued; returns it, changed or not, or `null` to end it (SPEC E2). */
  beforeSend?: (event: CapturedEvent) => CapturedEvent | null;
  /** True writes every decision to stderr; a function is given the sentences. */
  debug?: boolean | ((sentence: string) => void);
}
