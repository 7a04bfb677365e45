import { pairKey, type NodeKey } from './node.ts';

/** What somebody decided about two nodes. */
export interface Decision {
  verdict: 'merge' | 'cut';
  a: NodeKey;
  b: NodeKey;
}

/** The decision that holds for each pair, by `pairKey`: the last one of `decisions`, which are given in the order they were made in. */
export function standingDecisions<D extends Decision>(decisions: readonly D[]): Map<string, D> {
  return new Map(decisions.map((decision) => [pairKey(decision.a, decision.b), decision]));
}
