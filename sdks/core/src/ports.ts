/** What a platform brings: time, randomness, storage and a way to the server. Each is a few functions. */

export interface Clock {
  /** Milliseconds since 1970, by the device; may jump, either way. */
  now(): number;
  /** Calls once after `ms`; the function returned takes it back. A pending call must not keep a process alive. */
  after(ms: number, call: () => void): () => void;
}

/** Fills ids and draws jitter. */
export interface Random {
  /** `length` random bytes, fit for ids that nobody may guess. */
  bytes(length: number): Uint8Array;
  /** At least 0, less than 1. */
  fraction(): number;
}

/**
 * Small texts that outlive the process: ids, the session, the counter. Answers at once; a platform whose storage can't
 * reads it all before it starts the client and writes behind. Never throws: what can't be kept is forgotten.
 */
export interface State {
  get(key: string): string | undefined;
  /** `undefined` removes. */
  set(key: string, value: string | undefined): void;
}

/** An event in the queue: its final text (rule E3) and what must be known of it without reading it. */
export interface QueuedEvent {
  eventId: string;
  /** JSON, as it is sent. */
  text: string;
  /** Of `text`, in UTF-8. */
  bytes: number;
  /** Counts that ride on this event (rule E5): they go on to another one if this one is dropped. */
  dropped?: DropCounts | undefined;
}

/** Why an event will never be sent. */
export type DropReason = 'queue_full' | 'rejected';
export type DropCounts = Partial<Record<DropReason, number>>;

/** Where the queue outlives the process. Its calls are made in order and not waited for; a rejection costs durability only (Q2). */
export interface Journal {
  /** Everything that lives which have ended left here, oldest first; each event once. From now on it is this life's. */
  load(): Promise<QueuedEvent[]>;
  add(event: QueuedEvent): Promise<void>;
  remove(eventIds: readonly string[]): Promise<void>;
  /** Deletes all events, of other lives too, living or dead (P5). */
  clear(): Promise<void>;
}

export interface Answer {
  status: number;
  /** As text; `undefined` if it broke off. */
  body: string | undefined;
  /** The header Retry-After as it came: seconds, or an HTTP date. */
  retryAfter?: string | null | undefined;
}

export interface Transport {
  /** Sends a body of JSON and resolves with the answer. Rejects when there was none, at the latest after `timeoutMs`. */
  send(body: string, timeoutMs: number): Promise<Answer>;
  /** Hands a body over to whoever outlives the page; false if it won't take it. Absent where nothing ends unasked. */
  handOver?(body: string): boolean;
}
