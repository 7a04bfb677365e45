/**
 * A history of identity: devices that were seen before their login, users who are two by an alias, and ids that a whole
 * house shares. How many persons there are follows from how it was made, so that a count can be held against it.
 */
export interface Logins {
  /** In the order in which they are to be sent. */
  events: object[];
  /** Devices of users, and users of users. */
  links: number;
  /** Persons, with devices that never logged in. */
  persons: number;
  /** Devices without a user, each of which did something: for merges by hand. */
  loneDevices: string[];
}

/** Of `links` four fifths are logins of a device, the rest aliases that make one person of two users; as many devices stay without. */
export function drawLogins(links: number): Logins {
  const aliases = Math.floor(links / 5);
  const logins = links - aliases;
  const visits = Array.from({ length: links }, (_, i) => ({ eventName: 'page_view', anonymousId: deviceOf(i) }));
  const identifies = Array.from({ length: logins }, (_, i) => ({ type: 'identify', eventName: 'identify', userId: userOf(i), anonymousId: deviceOf(i) }));
  const alike = Array.from({ length: aliases }, (_, i) => ({ type: 'alias', eventName: 'alias', userId: userOf(2 * i), previousId: userOf(2 * i + 1) }));
  const events = [...visits, ...identifies, ...alike];
  return { events: numbered('login', events), links, persons: links - aliases, loneDevices: Array.from({ length: aliases }, (_, i) => deviceOf(logins + i)) };
}

/** A user on so many devices, and one who is called another one so often: neither is a person. */
export function drawHubs(devices: number, aliases: number): object[] {
  const guest = Array.from({ length: devices }, (_, i) => ({ type: 'identify', eventName: 'identify', userId: 'kiosk', anonymousId: `kiosk-${i}` }));
  const shared = Array.from({ length: aliases }, (_, i) => ({ type: 'alias', eventName: 'alias', userId: 'shared', previousId: `member-${i}` }));
  return numbered('hub', [...guest, ...shared]);
}

export function alias(number: number, userId: string, previousId: string): object {
  return { eventId: `alias-${number}`, type: 'alias', eventName: 'alias', userId, previousId };
}

function userOf(i: number): string {
  return `user-${i}`;
}

function deviceOf(i: number): string {
  return `device-${i}`;
}

function numbered(kind: string, events: readonly object[]): object[] {
  return events.map((event, i) => ({ eventId: `${kind}-${i}`, ...event }));
}
