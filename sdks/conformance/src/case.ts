/** Which SDKs a case is for: those of a device, of devices whose lives run side by side as a site's pages do, of servers. */
export type CaseKind = 'device' | 'tabs' | 'server';

/** The shape of a case; README.md says what each part means. */
export interface ConformanceCase {
  name: string;
  rule: string;
  kinds?: CaseKind[];
  given?: { options?: Record<string, unknown> };
  steps: Step[];
}

/** A call of the host; in the first tab, where there are two. */
export type Call = { tab?: 1 | 2 } & (
  | { call: 'track'; name: string; properties?: Record<string, unknown> }
  | { call: 'identify'; userId: string }
  | { call: 'reset' | 'flush' }
  | { call: 'consent'; choice: 'granted' | 'denied' }
);

export type Step =
  | Call
  | { tab: 'opened' | 'killed' | 'frozen' | 'resumed' }
  | { pass: number }
  | { clock: number }
  | { network: 'on' | 'off' }
  | { storage: 'full' | 'free' | 'stuck' }
  | { restart: true }
  | { answers: CollectorAnswer[] }
  | { expect: Expectation };

export type CollectorAnswer =
  | 'lost'
  | 'unanswered'
  | 'broken'
  | { status: number; retryAfter?: string; body?: unknown; text?: string };

export interface Expectation {
  /** Requests so far, lost ones too. */
  requests?: number;
  /** Names, in the order of first arrival. */
  stored?: string[];
  numbers?: number[];
  users?: (string | null)[];
  /** How many devices they are of. */
  devices?: number;
  /** Times less that of the first, ms. */
  span?: number[];
  /** Sums over all that arrived. */
  reported?: Record<string, number>;
  /** Events in the queues. */
  waiting?: number;
}
