/** Ids are typed: user x and device x are two nodes. */
export interface IdentityNode {
  kind: 'user' | 'device';
  id: string;
}

/** A node as one text: `u` and the userId, or `a` and the anonymousId. */
export type NodeKey = string;

export function nodeKey({ kind, id }: IdentityNode): NodeKey {
  return `${kind === 'user' ? 'u' : 'a'}${id}`;
}

export function nodeOfKey(key: NodeKey): IdentityNode {
  return { kind: key.startsWith('u') ? 'user' : 'device', id: key.slice(1) };
}

/** The same text for (a, b) and (b, a). */
export function pairKey(a: NodeKey, b: NodeKey): string {
  return JSON.stringify(a < b ? [a, b] : [b, a]);
}
