/**
 * Who is one person (docs/questions.md, I1 to I9): a function of the set of events and of what people decided, in the order
 * they decided it. Nodes are texts, `user x` and `device x`, in which user x and device x differ.
 */
import type { StoredEvent } from '@tidemark/event';

export interface IdentityDecision {
  verdict: 'merge' | 'cut';
  a: string;
  b: string;
}

export interface Persons {
  /** The name of an event's person, as a node. */
  of(event: Pick<StoredEvent, 'userId' | 'anonymousId'>): string;
  /** The same of whom an id finds (I3). */
  ofId(id: string): string;
  /** The same of a node. */
  ofNode(node: string): string;
}

const MAX_ALIAS_LINKS = 500;
const MAX_CLAIMED_DEVICES = 10_000;

/** Order within one moment: by event time, then by eventId as bytes. */
export function earlier(a: StoredEvent, b: StoredEvent): number {
  return a.timeMs - b.timeMs || compareTexts(a.eventId, b.eventId);
}

/** Whose an event is: the name of its person, as a node. */
export function personOf(events: readonly StoredEvent[], decisions: readonly IdentityDecision[] = []): (event: StoredEvent) => string {
  return persons(events, decisions).of;
}

/** `expired`: events that retention has removed; what they claimed is known still (I9), when they were is not. */
export function persons(events: readonly StoredEvent[], decisions: readonly IdentityDecision[] = [], expired: readonly StoredEvent[] = []): Persons {
  // The last decision about a pair holds.
  const decided = (a: string, b: string) => decisions.findLast((made) => (made.a === a && made.b === b) || (made.a === b && made.b === a))?.verdict;
  const everSeen = [...expired, ...events].toSorted(earlier);
  const aliases = everSeen.filter(({ type, userId, previousId }) => type === 'alias' && userId !== '' && previousId !== '' && userId !== previousId);

  // A claim: this device was seen with this user.
  const claims = everSeen.flatMap((event) => [
    ...(event.userId !== '' && event.anonymousId !== '' ? [{ event, device: event.anonymousId, user: event.userId }] : []),
    ...(aliases.includes(event) ? [{ event, device: event.previousId, user: event.userId }] : []),
  ]);
  const devicesOf = neighbours(claims.map(({ user, device }) => [user, device]));
  const owner = new Map<string, string>();
  for (const { device, user } of claims) {
    const isHub = (devicesOf.get(user)?.size ?? 0) > MAX_CLAIMED_DEVICES;
    if (!isHub && decided(`device ${device}`, `user ${user}`) !== 'cut' && !owner.has(`device ${device}`)) owner.set(`device ${device}`, `user ${user}`);
  }
  const base = (node: string): string => owner.get(node) ?? node;

  const aliasesOf = neighbours(aliases.flatMap(({ userId, previousId }) => [[userId, previousId], [previousId, userId]] as const));
  const isHub = (user: string): boolean => (aliasesOf.get(user)?.size ?? 0) > MAX_ALIAS_LINKS;
  const links = [
    ...aliases.filter(({ userId, previousId }) => !isHub(userId) && !isHub(previousId)).map(({ userId, previousId }) => [`user ${userId}`, `user ${previousId}`] as const).filter(([a, b]) => decided(a, b) !== 'cut'),
    ...decisions.filter(({ a, b }) => decided(a, b) === 'merge').map(({ a, b }) => [a, b] as const),
  ];
  const joined = neighbours(links.flatMap(([a, b]) => [[base(a), base(b)], [base(b), base(a)]] as const));

  const firstMs = new Map<string, number>();
  for (const event of events.toSorted(earlier)) if (!firstMs.has(nodeOf(event))) firstMs.set(nodeOf(event), event.timeMs);
  const names = new Map<string, string>();
  const nameOf = (node: string): string => {
    const known = names.get(node);
    if (known !== undefined) return known;
    const nodes = reached(node, joined);
    const seen = nodes.filter((each) => firstMs.has(each));
    const users = (seen.length > 0 ? seen : nodes).filter((each) => each.startsWith('user '));
    const candidates = users.length > 0 ? users : seen.length > 0 ? seen : nodes;
    const [name = node] = candidates.toSorted((a, b) => (firstMs.get(a) ?? 0) - (firstMs.get(b) ?? 0) || compareTexts(a, b));
    for (const each of nodes) names.set(each, name);
    return name;
  };
  const ofNode = (node: string): string => nameOf(base(node));
  const users = new Set([...events.map(({ userId }) => userId), ...claims.map(({ user }) => user)]);
  return { of: (event) => ofNode(nodeOf(event)), ofNode, ofId: (id) => ofNode(users.has(id) ? `user ${id}` : `device ${id}`) };
}

/** An event is its user's, or without one its device's. */
function nodeOf({ userId, anonymousId }: Pick<StoredEvent, 'userId' | 'anonymousId'>): string {
  return userId !== '' ? `user ${userId}` : `device ${anonymousId}`;
}

function neighbours(links: readonly (readonly [string, string])[]): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const [a, b] of links) found.set(a, (found.get(a) ?? new Set()).add(b));
  return found;
}

function reached(from: string, joined: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const nodes = [from];
  for (const node of nodes) for (const next of joined.get(node) ?? []) if (!nodes.includes(next)) nodes.push(next);
  return nodes;
}

function compareTexts(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
