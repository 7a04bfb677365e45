import { nodeOfKey, type NodeKey } from './node.ts';

/** A person of several base nodes. */
export interface JoinedPerson {
  name: NodeKey;
  nodes: readonly NodeKey[];
}

/**
 * The node that names a person: of those that have events the user with the smallest (time of its first event, id), devices
 * only where there is no user. `firstMsOf`: epoch ms, undefined for a node without events. `nodes` is not empty.
 */
export function nameOf(nodes: readonly NodeKey[], firstMsOf: (node: NodeKey) => number | undefined): NodeKey {
  const rank = (key: NodeKey): [number, number, number] => {
    const firstMs = firstMsOf(key);
    return [firstMs === undefined ? 1 : 0, nodeOfKey(key).kind === 'user' ? 0 : 1, firstMs ?? 0];
  };
  const [first] = nodes.toSorted((one, other) => {
    const [a, b] = [rank(one), rank(other)];
    return a[0] - b[0] || a[1] - b[1] || a[2] - b[2] || Buffer.compare(Buffer.from(one), Buffer.from(other));
  });
  if (first === undefined) throw new Error('a person has at least one node');
  return first;
}

/** Base node -> the name of its person; only nodes whose person bears another one's name. */
export function overridesOf(persons: readonly JoinedPerson[]): Map<NodeKey, NodeKey> {
  return new Map(persons.flatMap(({ name, nodes }) => nodes.filter((node) => node !== name).map((node) => [node, name] as const)));
}
