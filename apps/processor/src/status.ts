/** What the rest of the engine may ask of the running processor. */
import type { StoredEvent } from '@tidemark/event';

/** Every event received ends in exactly one of these, or is pending. */
export type Outcome = 'stored' | 'duplicate' | 'quarantined' | 'filtered' | 'rejected';

export interface Balance {
  received: number;
  stored: number;
  duplicate: number;
  /** Of the duplicates: same id, other content. */
  conflict: number;
  quarantined: number;
  filtered: number;
  rejected: number;
  pending: number;
  /** received - (the sum of the rest); anything but 0 is a fault of ours. */
  difference: number;
}

export interface PipelineStatus {
  epoch: string;
  partition: number;
  /** Offset after the last committed record, and after the last record in the log. */
  committedOffset: number;
  endOffset: number;
  /** Records acknowledged but not yet in the stores. */
  lag: number;
  /** Age of the oldest record not yet committed, in ms; 0 when there is none. */
  lagMs: number;
  /** Every event acknowledged with receivedAt <= asOf is in the stores. Epoch ms. */
  asOfMs: number;
  /** Epoch ms of receipt of the oldest batch of the topic `quarantine` that is not committed; undefined when all are. */
  quarantineWaitingSinceMs?: number | undefined;
  /** Event times before this are complete but for events later than the allowed lateness. Epoch ms. */
  watermarkMs: number;
  /** From acknowledged to queryable, over the last ranges, in ms. */
  freshness: { p50Ms: number; p99Ms: number };
  /** The ids remembered for deduplication: how many, since when, what they cost. */
  dedup: { ids: number; windowStartMs: number; memoryBytes: number };
}

/** One event's end, told after the commit. `event` is absent for what could not be decoded. */
export interface LiveOutcome {
  project: string;
  outcome: Outcome;
  code?: string;
  detail?: string;
  eventId: string;
  eventName: string;
  event?: StoredEvent;
}

/** How late the stored events of a project came in: receivedAt less corrected event time. */
export interface LatenessCounts {
  events: number;
  /** Of these: event time before the watermark, so that a bucket that was complete changed. */
  behindWatermark: number;
  sumMs: number;
  /** Not cumulative; `upToMs` is inclusive, and null of the last one, later than all others. */
  buckets: { upToMs: number | null; events: number }[];
}

export interface ProcessorView {
  status(): PipelineStatus;
  /** By project id, since this process began. */
  lateness(): ReadonlyMap<string, LatenessCounts>;
  /** Balance of one project, or of all. */
  balance(project?: string): Promise<Balance>;
  /** Resolves true once every record that was durable when it was called is in the stores, false after timeoutMs. */
  caughtUp(timeoutMs: number): Promise<boolean>;
  /** The same for records of the topic `quarantine`. */
  quarantineCaughtUp(timeoutMs: number): Promise<boolean>;
  /** Calls `listener` after each commit with (at most a few hundred of) its outcomes; returns the way to stop. */
  subscribe(listener: (outcomes: LiveOutcome[]) => void): () => void;
}
