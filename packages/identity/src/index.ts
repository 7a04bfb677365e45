export { nodeKey, nodeOfKey, pairKey, type IdentityNode, type NodeKey } from './node.ts';
export { standingDecisions, type Decision } from './decisions.ts';
export { aliasHubs, MAX_ALIAS_LINKS, MAX_CLAIMED_DEVICES, type AliasLink } from './hubs.ts';
export { hardLinks, joinedNodes, type HardLink, type IdentityFacts } from './persons.ts';
export { nameOf, overridesOf, type JoinedPerson } from './names.ts';
