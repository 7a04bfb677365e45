/** How much of the collector's time and memory strangers may take. Bounds on events themselves are event's LIMITS. */
export interface CollectorBounds {
  /** Above this many bytes waiting for their fsync, new requests are refused: a second of a fast disk, in memory. */
  maxPendingLogBytes: number;
  /** Bytes of bodies being received, over all connections: slow senders of large bodies share it. */
  maxBufferedBodyBytes: number;
  /** Bytes that stay free on the log's disk: below that, events are refused, and the engine can still merge and delete. */
  diskReserveBytes: number;
  /** Open connections; more are dropped as they come. Each costs about 20 KB and a file descriptor. */
  maxConnections: number;
  /** From the first byte of a request to the end of its head. */
  headersTimeoutMs: number;
  /** From the first byte of a request to the last: 4 MB at 70 KB/s, a poor mobile network. */
  requestTimeoutMs: number;
  /** Longer than the 60 s of common load balancers, so that they close first and no request meets a closed socket. */
  keepAliveTimeoutMs: number;
  /** How long the engine may take to begin an answer. */
  engineTimeoutMs: number;
  /** How long requests in flight may take once the collector is told to stop. */
  drainTimeoutMs: number;
}

export const DEFAULT_BOUNDS: CollectorBounds = {
  maxPendingLogBytes: 64 * 1024 * 1024,
  maxBufferedBodyBytes: 128 * 1024 * 1024,
  diskReserveBytes: 256 * 1024 * 1024,
  maxConnections: 8_192,
  headersTimeoutMs: 15_000,
  requestTimeoutMs: 60_000,
  keepAliveTimeoutMs: 72_000,
  engineTimeoutMs: 120_000,
  drainTimeoutMs: 10_000,
};
