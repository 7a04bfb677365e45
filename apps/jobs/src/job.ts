/** A job does its work in rounds; each can be cut off by a kill and done again. */
export interface Job {
  /** Kebab-case, shown in the API and the journal. */
  name: string;
  everyMs: number;
  /** One round. Resolves to a few words on what it did, or undefined when there was nothing to do. */
  run(): Promise<string | undefined>;
}
