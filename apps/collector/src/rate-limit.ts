import type { WriteKeyGrant } from '@tidemark/control';

/**
 * One allowance that refills at `perSecond` and holds one second's worth (at least 1). It may go into debt: a batch
 * larger than the allowance is let in when there is any left and paid off afterwards, for else it could never get in.
 */
class TokenBucket {
  #tokens: number;
  #filledAtMs: number;

  constructor(perSecond: number, nowMs: number) {
    this.#tokens = Math.max(1, perSecond);
    this.#filledAtMs = nowMs;
  }

  /** Seconds until there is something to spend again; 0 when there is now. */
  waitSeconds(perSecond: number, nowMs: number): number {
    const elapsedMs = Math.max(0, nowMs - this.#filledAtMs);
    this.#filledAtMs = nowMs;
    this.#tokens = Math.min(Math.max(1, perSecond), this.#tokens + (elapsedMs / 1000) * perSecond);
    if (perSecond <= 0) return Infinity;
    return this.#tokens >= 1 ? 0 : (1 - this.#tokens) / perSecond;
  }

  spend(tokens: number): void {
    this.#tokens -= tokens;
  }
}

const MAX_RETRY_AFTER_SECONDS = 3_600;

/** The rates of all write keys: events and (decompressed) bytes a second, as each key's grant says. */
export class KeyRates {
  readonly #nowMs: () => number;
  readonly #buckets = new Map<string, { events: TokenBucket; bytes: TokenBucket }>();

  /** `nowMs` need not be the wall clock; it may stand still but a step back only delays the refill. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Whole seconds after which the key may send again; 0 when it may now. */
  retryAfterSeconds(key: string, { limits }: WriteKeyGrant): number {
    if (limits.eventsPerSecond === null && limits.bytesPerSecond === null) return 0;
    const nowMs = this.#nowMs();
    let buckets = this.#buckets.get(key);
    if (buckets === undefined) {
      buckets = {
        events: new TokenBucket(limits.eventsPerSecond ?? 0, nowMs),
        bytes: new TokenBucket(limits.bytesPerSecond ?? 0, nowMs),
      };
      this.#buckets.set(key, buckets);
    }
    const forEvents = limits.eventsPerSecond === null ? 0 : buckets.events.waitSeconds(limits.eventsPerSecond, nowMs);
    const forBytes = limits.bytesPerSecond === null ? 0 : buckets.bytes.waitSeconds(limits.bytesPerSecond, nowMs);
    return Math.min(MAX_RETRY_AFTER_SECONDS, Math.ceil(Math.max(forEvents, forBytes)));
  }

  /** Counts what was let in. */
  spend(key: string, { limits }: WriteKeyGrant, events: number, bytes: number): void {
    const buckets = this.#buckets.get(key);
    if (buckets === undefined) return;
    if (limits.eventsPerSecond !== null) buckets.events.spend(events);
    if (limits.bytesPerSecond !== null) buckets.bytes.spend(bytes);
  }
}
