/** Who is one person: base nodes joined by hard links. Plain functions of the facts, in whatever order these came. */
import { standingDecisions, type Decision } from './decisions.ts';
import { aliasHubs, type AliasLink } from './hubs.ts';
import { nodeOfKey, pairKey, type NodeKey } from './node.ts';

export interface IdentityFacts {
  aliases: readonly AliasLink[];
  /** In the order they were made in. */
  decisions: readonly Decision[];
  /** The user that a device belongs to by its claims, cut ones and those of hubs aside; undefined for none. Asked of merged devices only. */
  ownerOf(device: string): string | undefined;
}

export interface HardLink {
  a: NodeKey;
  b: NodeKey;
  cause: 'alias' | 'merge';
}

/** The links that count: aliases that are neither a hub's nor cut, and merges that stand. Between the nodes as they were named. */
export function hardLinks({ aliases, decisions }: Pick<IdentityFacts, 'aliases' | 'decisions'>): HardLink[] {
  const standing = standingDecisions(decisions);
  const hubs = aliasHubs(aliases);
  const links = new Map<string, HardLink>();
  for (const { user, previous } of aliases) {
    const [a, b] = [`u${user}`, `u${previous}`];
    const pair = pairKey(a, b);
    if (a === b || hubs.has(user) || hubs.has(previous) || standing.get(pair)?.verdict === 'cut') continue;
    links.set(pair, { a, b, cause: 'alias' });
  }
  for (const [pair, { a, b, verdict }] of standing) if (verdict === 'merge' && a !== b) links.set(pair, { a, b, cause: 'merge' });
  return [...links.values()];
}

/** The persons of several base nodes, each as its nodes in order of their keys. A node that is in none is a person by itself. */
export function joinedNodes(facts: IdentityFacts): NodeKey[][] {
  const parent = new Map<NodeKey, NodeKey>();
  const rootOf = (node: NodeKey): NodeKey => {
    let root = node;
    for (let next = parent.get(root); next !== undefined && next !== root; next = parent.get(root)) root = next;
    for (let at = node; at !== root; ) {
      const next = parent.get(at) ?? root;
      parent.set(at, root);
      at = next;
    }
    return root;
  };
  for (const { a, b } of hardLinks(facts)) {
    const [one, other] = [rootOf(baseOf(a, facts)), rootOf(baseOf(b, facts))];
    parent.set(one, one);
    parent.set(other, one);
  }
  const groups = new Map<NodeKey, NodeKey[]>();
  for (const node of parent.keys()) {
    const root = rootOf(node);
    const group = groups.get(root);
    if (group === undefined) groups.set(root, [node]);
    else group.push(node);
  }
  return [...groups.values()].filter((nodes) => nodes.length > 1).map((nodes) => nodes.toSorted());
}

/** A device stands for its owner, who has all its events that name no user. */
function baseOf(key: NodeKey, { ownerOf }: IdentityFacts): NodeKey {
  const { kind, id } = nodeOfKey(key);
  const owner = kind === 'device' ? ownerOf(id) : undefined;
  return owner === undefined ? key : `u${owner}`;
}
