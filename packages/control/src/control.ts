/** What the collector must know of a write key to take its events. */
export interface WriteKeyGrant {
  project: string;
  /** Id of the source the key belongs to. */
  source: string;
  /** null = no limit. */
  limits: { eventsPerSecond: number | null; bytesPerSecond: number | null };
  settings: ProjectSettings;
}

export interface ProjectSettings {
  /** `flag` (default): bots are stored with a flag. `drop`: counted as filtered. */
  bots: 'flag' | 'drop';
  /** What is kept of a sender's address: nothing (default), the network (last octet, last 80 bits zeroed), all. */
  ip: 'drop' | 'truncate' | 'keep';
  /** Days that events are kept; null = for ever. */
  retentionDays: number | null;
}

/** Looks write keys up in memory; kept fresh from the control store (a change shows within two seconds). */
export interface KeyDirectory {
  find(writeKey: string): WriteKeyGrant | undefined;
  close(): Promise<void>;
}

export interface ApiTokenGrant {
  project: string;
  tokenId: string;
}
