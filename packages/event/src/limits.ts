/** Every bound on what clients may send. DESIGN section 4 fixes the values; a limit without a reason is a bug. */
export const LIMITS = {
  /** An event as compact JSON in UTF-8. Other vendors' clients really send 40 KB; beyond 64 KB it is a document. */
  maxEventBytes: 64 * 1024,
  /** A body as it is on the wire. Segment's clients send 1 MB in spite of their own limit, so leave room. */
  maxBodyBytes: 4 * 1024 * 1024,
  /** A body after gunzip: bounds what one small request can make us hold in memory. */
  maxDecompressedBytes: 16 * 1024 * 1024,
  /** Events in one body: bounds how long one request keeps the event loop from the others. */
  maxEventsPerBody: 5_000,
  /** Levels of `properties`, `context` and `traits`, themselves the first: deeper is a serialised object graph. */
  maxDepth: 20,
  /** Keys in `properties`, `context` or `traits`, nested ones too, those inside arrays not: each may become a column. */
  maxProperties: 512,
  /** Characters of an eventId: UUIDs take 36; what is longer is a document used as an id. */
  maxEventIdLength: 200,
  /** Characters of an eventName: names are few, shown in menus, and part of the sort key. */
  maxEventNameLength: 200,
  /** Characters of userId, anonymousId, sessionId, groupId and previousId: an e-mail address may have 254. */
  maxIdLength: 256,
  /** Characters of a schemaVersion. */
  maxSchemaVersionLength: 64,
  /** Earliest event time, epoch ms: 1970-01-01. Clicks before the web are clocks gone wrong. */
  minTimeMs: 0,
  /** Latest event time, epoch ms: 2262-01-01, so that nanoseconds fit into 64 bits wherever a store uses them. */
  maxTimeMs: Date.UTC(2262, 0, 1) - 1,
} as const;

/** What the server takes for granted about clocks (DESIGN section 4). */
export const CLOCK = {
  /** receivedAt - sentAt within this is network and jitter, not a wrong clock. */
  ignoredSkewMs: 120_000,
  /** A correction is rounded to this, so that jitter between requests doesn't reorder one device's events. */
  skewStepMs: 60_000,
  /** An event further ahead of receivedAt than this is set to receivedAt. */
  maxFutureMs: 3_600_000,
} as const;
