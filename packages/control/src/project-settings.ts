/** What a project's administrators decide. */
export interface RateLimits {
  eventsPerSecond: number | null;
  bytesPerSecond: number | null;
}

/** What the collector's door goes by. */
export interface DoorSettings {
  /** `flag` (default): bots are stored with a flag. `drop`: counted as filtered. */
  bots: 'flag' | 'drop';
  /** What is kept of a sender's address: nothing (default), the network (last octet, last 80 bits zeroed), all. */
  ip: 'drop' | 'truncate' | 'keep';
  /** Days that events are kept; null = for ever. */
  retentionDays: number | null;
  /** Events whose `context.consent` denies this category are counted as filtered; null = what clients say of consent is kept, not judged. */
  consentCategory: string | null;
}

export interface ProjectSettings extends DoorSettings {
  /** Days after their receipt that quarantined items are kept; null = for ever. */
  quarantineDays: number | null;
  /** What is counted ahead. */
  rollups: {
    /** Properties, besides those that all projects have, by which trends are answered from rollups. */
    properties: string[];
  };
  /** Which channel an event came by: the first rule whose conditions all hold. */
  channels: ChannelRule[];
}

/** A channel, and conditions of a question's `where`. */
export interface ChannelRule {
  name: string;
  where: unknown[];
}
