/** All claims of a project in memory, and what they say of single ids: the same as resolve.ts asks of the table `identity_claims`. */
import type { ProjectIdentity } from './project-identity.ts';

export class KnownClaims {
  /** Device -> users that it was seen with, the first of them first. */
  readonly #usersOf = new Map<string, string[]>();
  readonly #devicesOf = new Map<string, string[]>();

  /** [device, user] of each claim, once, in the order in which they began. */
  constructor(claims: readonly (readonly string[])[]) {
    for (const [device = '', user = ''] of claims) {
      listIn(this.#usersOf, device).push(user);
      listIn(this.#devicesOf, user).push(device);
    }
  }

  names(id: string): boolean {
    return this.#usersOf.has(id) || this.hasDevices(id);
  }

  /** Whether a user of that name was seen with devices. */
  hasDevices(user: string): boolean {
    return this.#devicesOf.has(user);
  }

  /** The user that a device belongs to, '' for none. */
  ownerOf(device: string, identity: ProjectIdentity): string {
    const { cuts, hubs } = exceptionsOf(identity);
    return this.#usersOf.get(device)?.find((user) => !hubs.has(user) && !cuts.has(`${device}\0${user}`)) ?? '';
  }

  /** Devices that the users were seen with, at most `limit`. */
  devicesOf(users: readonly string[], limit: number): string[] {
    const devices = new Set<string>();
    for (const user of users) {
      for (const device of this.#devicesOf.get(user) ?? []) {
        if (devices.size >= limit) return [...devices];
        devices.add(device);
      }
    }
    return [...devices];
  }
}

function listIn(lists: Map<string, string[]>, key: string): string[] {
  let list = lists.get(key);
  if (list === undefined) lists.set(key, (list = []));
  return list;
}

/** Claims that don't count. */
interface Exceptions {
  cuts: ReadonlySet<string>;
  hubs: ReadonlySet<string>;
}

function exceptionsOf(identity: ProjectIdentity): Exceptions {
  let known = exceptions.get(identity);
  if (known === undefined) {
    known = { cuts: new Set(identity.cutClaims.map(([device, user]) => `${device}\0${user}`)), hubs: new Set(identity.hubUsers) };
    exceptions.set(identity, known);
  }
  return known;
}

const exceptions = new WeakMap<ProjectIdentity, Exceptions>();
