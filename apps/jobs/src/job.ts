import type { HeldBack } from '@tidemark/control';

/** What one round of a job did. */
export interface Round {
  /** Rows that it read, wrote or deleted, whichever its work is counted in. */
  rows: number;
  /** A few words on it, for people. */
  did: string;
  /** Deletions that it left for somebody to confirm. */
  heldBack?: readonly HeldBack[];
}

/** A job does its work in rounds; each can be cut off by a kill and done again. */
export interface Job {
  /** Kebab-case, shown in the API and the journal. */
  name: string;
  everyMs: number;
  /**
   * One round. Resolves to what it did, or undefined when there was nothing to do. Between two steps it looks at `signal`
   * and throws its reason: the server stops, or another engine has the job now.
   */
  run(signal?: AbortSignal): Promise<Round | undefined>;
}
