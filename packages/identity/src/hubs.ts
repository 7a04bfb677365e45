/** The user `previous` was renamed to, or turned out to be, `user`: from an alias event. */
export interface AliasLink {
  user: string;
  previous: string;
}

/** Users that more others than these are linked with are no person: a "guest" that everybody is aliased to. */
export const MAX_ALIAS_LINKS = 500;
/** The same for the devices that one user was seen with: a kiosk's account, a test user. */
export const MAX_CLAIMED_DEVICES = 10_000;

/** Users with more than MAX_ALIAS_LINKS distinct others at the end of their alias links, whoever named whom. */
export function aliasHubs(links: readonly AliasLink[]): ReadonlySet<string> {
  const others = new Map<string, Set<string>>();
  const add = (one: string, other: string): void => {
    const known = others.get(one);
    if (known === undefined) others.set(one, new Set([other]));
    else known.add(other);
  };
  for (const { user, previous } of links) {
    if (user === previous) continue;
    add(user, previous);
    add(previous, user);
  }
  return new Set([...others].filter(([, known]) => known.size > MAX_ALIAS_LINKS).map(([user]) => user));
}
