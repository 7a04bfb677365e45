import type { StoredEvent } from '@tidemark/event';
import { bestChain, inOrder, selects, type ChainQuestion, type FunnelSelector } from './funnel-chain.ts';
import { groupBy } from './group-by.ts';
import { personOf } from './person.ts';
import { cut, textOf } from './property.ts';
import { holds, type Where } from './where.ts';

export interface PathsQuestion {
  fromMs: number;
  toMs: number;
  windowMs: number;
  /** One of the three. */
  after?: FunnelSelector;
  before?: FunnelSelector;
  between?: readonly [FunnelSelector, FunnelSelector];
  steps: number;
  nodeLimit: number;
  by?: string;
  hide: readonly string[];
  group: readonly { pattern: string; name: string }[];
  collapse: boolean;
  includeBots: boolean;
  where?: Where;
  breakdown?: readonly string[];
  limit?: number;
}

export interface PathNode {
  name: string;
  kind: 'event' | 'other' | 'drop-off' | 'start';
}

interface Flow {
  users: number;
  truncated: number;
  nodes: { step: number; node: string; kind: PathNode['kind']; users: number }[];
  links: { step: number; from: string; fromKind: PathNode['kind']; to: string; toKind: PathNode['kind']; users: number }[];
}
export type PathsAnswer = Flow & { breakdowns: (Flow & { breakdown: string[] })[] };

/** Somebody's path as it is shown. */
export interface PersonPath {
  person: string;
  /** null stands for unset; [] without a breakdown. */
  group: (string | null)[] | 'other';
  nodes: PathNode[];
  isTruncated: boolean;
}

/** The answer, and whose paths it counts. */
export function paths(all: readonly StoredEvent[], question: PathsQuestion, person = personOf(all)): { answer: PathsAnswer; people: PersonPath[] } {
  const { steps, between, before, breakdown = [], limit = 10 } = question;
  const asked = all.filter((event) => (question.includeBots || !event.bot) && holds(event, question.where));
  const whole = [...groupBy(asked, person)].flatMap(([who, events]) => {
    const path = pathOf(events, question);
    if (path === undefined) return [];
    const names = namesOf(path, question);
    const nodes: PathNode[] = names.slice(0, steps).map((name) => ({ name, kind: 'event' }));
    if (names.length < steps && between === undefined) nodes.push(before === undefined ? { name: 'drop-off', kind: 'drop-off' } : { name: 'start', kind: 'start' });
    return [{ person: who, key: JSON.stringify(breakdown.map((name) => cut(textOf(path[0]!, name)))), nodes, isTruncated: names.length > steps }];
  });

  // The nodes of each step with the most people stay, the others become one.
  const kept = Array.from({ length: steps }, (_, i) => {
    const there = groupBy(whole.filter(({ nodes }) => nodes[i]?.kind === 'event'), ({ nodes }) => nodes[i]!.name);
    return [...there].toSorted(([a, x], [b, y]) => y.length - x.length || compareTexts(a, b)).slice(0, question.nodeLimit).map(([name]) => name);
  });
  const shown = whole.map((each) => ({ ...each, nodes: each.nodes.map((node, i): PathNode => (node.kind !== 'event' || kept[i]!.includes(node.name) ? node : { name: 'other', kind: 'other' })) }));
  if (breakdown.length === 0) return { answer: { ...flowOf(shown, steps), breakdowns: [] }, people: shown.map((each) => ({ ...each, group: [] })) };

  const groups = groupBy(shown, ({ key }) => key);
  const unset = JSON.stringify(breakdown.map(() => null));
  const ranked = [...groups].filter(([key]) => key !== unset).toSorted(([a, x], [b, y]) => y.length - x.length || compareTexts(sortable(a), sortable(b)));
  const rest = ranked.slice(limit).flatMap(([, of]) => of);
  const lines: { group: PersonPath['group']; of: typeof shown }[] = [
    ...ranked.slice(0, limit).map(([key, of]) => ({ group: JSON.parse(key) as (string | null)[], of })),
    ...(rest.length > 0 ? [{ group: 'other' as const, of: rest }] : []),
    ...(groups.has(unset) ? [{ group: JSON.parse(unset) as null[], of: groups.get(unset)! }] : []),
  ];
  const breakdowns = lines.map(({ group, of }) => ({ breakdown: breakdown.map((_, i) => (group === 'other' ? group : (group[i] ?? '(not set)'))), ...flowOf(of, steps) }));
  return { answer: { ...flowOf(shown, steps), breakdowns }, people: lines.flatMap(({ group, of }) => of.map((each) => ({ ...each, group }))) };
}

/** A person's events from the anchor on (of `before` backwards), those hidden left out; undefined without an anchor. */
function pathOf(events: readonly StoredEvent[], question: PathsQuestion): StoredEvent[] | undefined {
  const { fromMs, toMs, windowMs, after, before, between } = question;
  if (between !== undefined) {
    const chained: ChainQuestion = { fromMs, toMs, windowMs, steps: between };
    const [start, end] = bestChain(events, chained)?.chain ?? [];
    if (start === undefined || end === undefined) return undefined;
    const sorted = inOrder(events, chained);
    return sorted.slice(sorted.indexOf(start), sorted.indexOf(end) + 1).filter((event) => event === start || event === end || !isHidden(event, question));
  }
  const sorted = inOrder(events, { fromMs, toMs, windowMs, steps: [] });
  const anchor = sorted.find((event) => event.timeMs >= fromMs && event.timeMs < toMs && selects(after ?? before, event));
  if (anchor === undefined) return undefined;
  const at = sorted.indexOf(anchor);
  const following = before === undefined ? sorted.slice(at) : sorted.slice(0, at + 1).toReversed();
  return following.filter((event) => event === anchor || (Math.abs(event.timeMs - anchor.timeMs) <= windowMs && !isHidden(event, question)));
}

/** By its own name, or by its value of `by`. */
function isHidden(event: StoredEvent, { by, hide }: PathsQuestion): boolean {
  const value = by === undefined ? null : cut(textOf(event, by));
  return hide.includes(event.eventName) || (value !== null && hide.includes(value));
}

function namesOf(path: readonly StoredEvent[], { by, group, collapse }: PathsQuestion): string[] {
  const names = path.map((event) => {
    const name = cut(by === undefined ? undefined : textOf(event, by)) ?? event.eventName;
    return group.find(({ pattern }) => new RegExp(pattern, 's').test(name))?.name ?? name;
  });
  return collapse ? names.filter((name, i) => name !== names[i - 1]) : names;
}

function flowOf(of: readonly { nodes: readonly PathNode[]; isTruncated: boolean }[], steps: number): Flow {
  const last = { event: 0, other: 1, 'drop-off': 2, start: 2 };
  const at = (i: number): PathNode[] => of.flatMap(({ nodes }) => nodes[i] ?? []);
  return {
    users: of.length,
    truncated: of.filter(({ isTruncated }) => isTruncated).length,
    nodes: Array.from({ length: steps }, (_, i) => i).flatMap((i) =>
      [...groupBy(at(i), (node) => JSON.stringify(node)).values()]
        .map((same) => ({ step: i + 1, node: same[0]!.name, kind: same[0]!.kind, users: same.length }))
        .toSorted((a, b) => last[a.kind] - last[b.kind] || b.users - a.users || compareTexts(a.node, b.node)),
    ),
    links: Array.from({ length: steps - 1 }, (_, i) => i).flatMap((i) =>
      [...groupBy(of.filter(({ nodes }) => nodes.length > i + 1), ({ nodes }) => JSON.stringify([nodes[i], nodes[i + 1]])).values()]
        .map((same) => {
          const [from, to] = [same[0]!.nodes[i]!, same[0]!.nodes[i + 1]!];
          return { step: i + 1, from: from.name, fromKind: from.kind, to: to.name, toKind: to.kind, users: same.length };
        })
        .toSorted((a, b) => b.users - a.users || compareTexts(a.from, b.from) || last[a.fromKind] - last[b.fromKind] || compareTexts(a.to, b.to) || last[a.toKind] - last[b.toKind]),
    ),
  };
}

function compareTexts(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Unset before any text. */
function sortable(key: string): string {
  return (JSON.parse(key) as (string | null)[]).map((part) => (part === null ? '-' : `=${part}`)).join('\0');
}
