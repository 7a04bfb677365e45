/** The members of an event that the door reads, each with the slot in which a scan leaves its place. */
import { wanted } from './wanted.ts';

export const EVENT = {
  eventId: 0,
  messageId: 1,
  eventName: 2,
  event: 3,
  userId: 4,
  anonymousId: 5,
  sessionId: 6,
  timestamp: 7,
  sentAt: 8,
  sequence: 9,
  type: 10,
  schemaVersion: 11,
  groupId: 12,
  previousId: 13,
  properties: 14,
  context: 15,
  traits: 16,
  writeKey: 17,
} as const;
export const PROPERTIES = { $set: 18, url: 19, path: 20, search: 21, referrer: 22 } as const;
export const CONTEXT = {
  ip: 23,
  direct: 24,
  library: 25,
  geo: 26,
  userAgent: 27,
  os: 28,
  browser: 29,
  device: 30,
  page: 31,
  campaign: 32,
  referrer: 33,
  channel: 34,
  appVersion: 35,
  app: 36,
  locale: 37,
  consent: 38,
} as const;
export const PAGE = { url: 39, path: 40, search: 41, referrer: 42 } as const;
export const LIBRARY = { name: 43 } as const;
export const SLOTS = 44;

export const WANTED = wanted({
  ...EVENT,
  properties: [EVENT.properties, wanted(PROPERTIES)],
  context: [
    EVENT.context,
    wanted({ ...CONTEXT, page: [CONTEXT.page, wanted(PAGE)], library: [CONTEXT.library, wanted(LIBRARY)] }),
  ],
});
