import type { StoredEvent } from '@tidemark/event';
import { bucketStarts, type Granularity, type WeekDay } from './calendar.ts';
import { bestChain, inOrder, type ChainQuestion, type FoundChain } from './funnel-chain.ts';
import { groupBy } from './group-by.ts';
import { personOf } from './person.ts';
import { textOf } from './property.ts';
import { quantile } from './quantile.ts';
import { holds, type Where } from './where.ts';

export interface FunnelQuestion extends ChainQuestion {
  includeBots: boolean;
  where?: Where;
  hold?: readonly string[];
  breakdown?: readonly string[];
  breakdownFrom?: 'start' | 'first_touch' | 'last_touch' | { step: number };
  limit?: number;
  histogram?: { from?: number; to?: number; bins?: number };
  granularity?: Granularity;
  timezone?: string;
  weekStart?: WeekDay;
  next?: { step: number; outcome?: 'reached' | 'dropped'; limit?: number };
  /** The time of asking. */
  nowMs?: number;
}

interface FunnelStep {
  users: number;
  medianSeconds: number | null;
  p90Seconds: number | null;
  medianSecondsFromStart: number | null;
  p90SecondsFromStart: number | null;
}

interface FunnelLine {
  steps: FunnelStep[];
  histogram?: { fromSeconds: number; toSeconds: number; users: number }[];
  points?: { timeMs: number; users: number; converted: number; unfinished: boolean }[];
}

export interface FunnelAnswer extends FunnelLine {
  breakdowns: (FunnelLine & { breakdown: string[] })[];
  next?: { event: string; users: number }[];
}

/** Who stands behind the numbers: a person and what came of the person's chain. */
export interface FunnelPerson {
  person: string;
  /** null stands for unset; [] without a breakdown. */
  group: (string | null)[] | 'other';
  startMs: number;
  /** Whether each step of the question was reached. */
  reached: boolean[];
  bin: number | undefined;
  /** What was done next, by those that `next` asks for. */
  next: string | undefined;
}

interface Shown {
  group: FunnelPerson['group'];
  of: readonly Walk[];
}

interface Walk extends FoundChain {
  person: string;
  /** All that the question lets in of the person. */
  asked: readonly StoredEvent[];
}

/** `person`: who did an event, where people decided something about it. */
export function funnel(all: readonly StoredEvent[], question: FunnelQuestion, person = personOf(all)): FunnelAnswer {
  return answered(all, question, person).answer;
}

export function funnelPeople(all: readonly StoredEvent[], question: FunnelQuestion, person = personOf(all)): FunnelPerson[] {
  return answered(all, question, person).people;
}

/** Tries every chain of every person and keeps the best one. */
function answered(all: readonly StoredEvent[], question: FunnelQuestion, person: (event: StoredEvent) => string): { answer: FunnelAnswer; people: FunnelPerson[] } {
  const { breakdown = [], limit = 10, steps, histogram, next } = question;
  const asked = all.filter((event) => (question.includeBots || !event.bot) && holds(event, question.where));
  const walks = [...groupBy(asked, person)].flatMap(([who, events]): Walk[] => {
    const found = bestOfHeld(events, question);
    return found === undefined ? [] : [{ ...found, person: who, asked: events }];
  });

  const seconds = (walk: Walk): number | undefined => {
    const [from, to] = [walk.events[(histogram?.from ?? 1) - 1], walk.events[(histogram?.to ?? steps.length) - 1]];
    return histogram === undefined || from === undefined || to === undefined ? undefined : Math.floor((to.timeMs - from.timeMs) / 1000);
  };
  const bins = binsOf(walks.flatMap((walk) => seconds(walk) ?? []), histogram?.bins ?? 10);
  const binOf = (walk: Walk): number | undefined => {
    const at = seconds(walk);
    return at === undefined ? undefined : bins.findIndex(({ fromSeconds, toSeconds }) => at >= fromSeconds && at < toSeconds);
  };
  const lineOf = (of: readonly Walk[]): FunnelLine => ({
    steps: steps.map((_, i) => stepOf(i, of, steps)),
    ...(histogram && { histogram: bins.map((bin, i) => ({ ...bin, users: of.filter((walk) => binOf(walk) === i).length })) }),
    ...(question.granularity && { points: pointsOf(of, question) }),
  });

  const keyOf = (walk: Walk): string => JSON.stringify(breakdown.map((name) => touched(walk, name, question)));
  const groups = groupBy(walks, keyOf);
  const unset = JSON.stringify(breakdown.map(() => null));
  const ranked = [...groups].filter(([key]) => key !== unset).toSorted(([a, x], [b, y]) => y.length - x.length || Buffer.compare(Buffer.from(sortable(a)), Buffer.from(sortable(b))));
  const shown = ranked.slice(0, limit).map(([key, of]): Shown => ({ group: JSON.parse(key) as (string | null)[], of }));
  const rest = ranked.slice(limit).flatMap(([, of]) => of);
  if (rest.length > 0) shown.push({ group: 'other', of: rest });
  const none = groups.get(unset);
  if (none !== undefined) shown.push({ group: JSON.parse(unset) as null[], of: none });

  const after = next === undefined ? [] : walks.flatMap((walk) => nextOf(walk, next, question));
  const answer = {
    ...lineOf(walks),
    breakdowns: breakdown.length === 0 ? [] : shown.map(({ group, of }) => ({ breakdown: breakdown.map((_, i) => (group === 'other' ? 'other' : (group[i] ?? '(not set)'))), ...lineOf(of) })),
    ...(next && { next: rankedNext(after.map(({ name }) => name), next.limit ?? 10) }),
  };
  const people = shown.flatMap(({ group, of }) =>
    of.map((walk) => ({
      person: walk.person, group, startMs: walk.chain[0]?.timeMs ?? 0, reached: walk.events.map((event) => event !== undefined), bin: binOf(walk),
      next: after.find(({ person: who }) => who === walk.person)?.name,
    })),
  );
  return { answer, people };
}

/** Of the chains with different held values the best; then the smallest value. */
function bestOfHeld(events: readonly StoredEvent[], question: FunnelQuestion): FoundChain | undefined {
  const { hold = [], order } = question;
  const lots = [...groupBy(events, (event) => JSON.stringify(hold.map((name) => textOf(event, name) ?? null)))]
    .filter(([key]) => !(JSON.parse(key) as unknown[]).includes(null))
    .toSorted(([a], [b]) => Buffer.compare(Buffer.from(sortable(a)), Buffer.from(sortable(b))));
  const found = lots.flatMap(([, lot]) => bestChain(lot, question) ?? []);
  const best = found.toSorted((a, b) => b.chain.length - a.chain.length || (a.chain.at(-1)?.timeMs ?? 0) - (b.chain.at(-1)?.timeMs ?? 0) || (b.chain[0]?.timeMs ?? 0) - (a.chain[0]?.timeMs ?? 0))[0];
  return best && order === 'any' ? { ...best, events: question.steps.map((_, i) => best.chain[i]) } : best;
}

/** The required step before; the first step's is itself. */
function before(i: number, steps: FunnelQuestion['steps']): number {
  return Math.max(0, steps.findLastIndex(({ optional = false }, j) => j < i && !optional));
}

function stepOf(i: number, of: readonly Walk[], steps: FunnelQuestion['steps']): FunnelStep {
  const previous = before(i, steps);
  const there = of.filter(({ events }) => events[i] !== undefined);
  const since = (from: number): number[] => there.map(({ events }) => ((events[i]?.timeMs ?? 0) - (events[from]?.timeMs ?? 0)) / 1000).toSorted((a, b) => a - b);
  const at = (level: number, from: number): number | null => (i === 0 || there.length === 0 ? null : quantile(since(from), level));
  return { users: there.length, medianSeconds: at(0.5, previous), p90Seconds: at(0.9, previous), medianSecondsFromStart: at(0.5, 0), p90SecondsFromStart: at(0.9, 0) };
}

/** The text of a property in the event of the chain that gives the group. */
function touched({ chain, events }: Walk, name: string, { breakdownFrom = 'start' }: FunnelQuestion): string | null {
  const texts = chain.map((event) => textOf(event, name));
  if (breakdownFrom === 'first_touch') return texts.find((text) => text !== undefined) ?? null;
  if (breakdownFrom === 'last_touch') return texts.findLast((text) => text !== undefined) ?? null;
  const event = breakdownFrom === 'start' ? chain[0] : events[breakdownFrom.step - 1];
  return (event && textOf(event, name)) ?? null;
}

function binsOf(all: readonly number[], count: number): { fromSeconds: number; toSeconds: number }[] {
  if (all.length === 0) return [];
  const [least, greatest] = [Math.min(...all), Math.max(...all)];
  const width = Math.ceil((greatest - least + 1) / count);
  return Array.from({ length: count }, (_, i) => ({ fromSeconds: least + i * width, toSeconds: least + (i + 1) * width }));
}

function pointsOf(of: readonly Walk[], { timezone = 'UTC', granularity = 'day', weekStart, fromMs, toMs, windowMs, nowMs = 0 }: FunnelQuestion): NonNullable<FunnelLine['points']> {
  const starts = bucketStarts(timezone, granularity, fromMs, toMs, weekStart);
  return starts.map((timeMs, i) => {
    const endMs = Math.min(starts[i + 1] ?? toMs, toMs);
    const here = of.filter(({ chain }) => (chain[0]?.timeMs ?? 0) >= timeMs && (chain[0]?.timeMs ?? 0) < endMs);
    // The last start there can be is a millisecond before the end; what comes a window later is still in time.
    return { timeMs, users: here.length, converted: here.filter(({ events }) => events.at(-1) !== undefined).length, unfinished: endMs - 1 + windowMs >= nowMs };
  });
}

/** The name of the first event after the one that `next` is about, '' for none; nothing of a person whom it isn't about. */
function nextOf(walk: Walk, { step, outcome = 'reached' }: NonNullable<FunnelQuestion['next']>, question: FunnelQuestion): { person: string; name: string }[] {
  const [here, previous] = [walk.events[step - 1], walk.events[before(step - 1, question.steps)]];
  const from = outcome === 'reached' ? here : here === undefined ? previous : undefined;
  if (from === undefined) return [];
  const sorted = inOrder(walk.asked, question);
  const following = sorted[sorted.indexOf(from) + 1];
  const isInTime = following !== undefined && following.timeMs - from.timeMs <= question.windowMs;
  return [{ person: walk.person, name: isInTime ? following.eventName : '' }];
}

function rankedNext(names: readonly string[], limit: number): { event: string; users: number }[] {
  const ranked = [...groupBy(names.filter((name) => name !== ''), (name) => name)]
    .map(([event, of]) => ({ event, users: of.length }))
    .toSorted((a, b) => b.users - a.users || Buffer.compare(Buffer.from(a.event), Buffer.from(b.event)));
  const others = ranked.slice(limit).reduce((sum, { users }) => sum + users, 0);
  const none = names.filter((name) => name === '').length;
  return [...ranked.slice(0, limit), ...(others > 0 ? [{ event: 'other', users: others }] : []), ...(none > 0 ? [{ event: 'drop-off', users: none }] : [])];
}

/** Unset before any text. */
function sortable(key: string): string {
  return (JSON.parse(key) as (string | null)[]).map((part) => (part === null ? '-' : `=${part}`)).join('\0');
}
