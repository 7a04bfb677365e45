export type Topic = 'events' | 'quarantine';

/** How far one consumer has come in one partition. */
export interface Position {
  epoch: string;
  /** Everything before this offset is done. */
  offset: number;
  /** Free text of the consumer's own, kept with the offset: the processor's intent. */
  metadata: string;
}
