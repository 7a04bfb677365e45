import type { StoredEvent } from '@tidemark/event';
import { groupBy } from './group-by.ts';
import { personOf } from './person.ts';
import { textOf } from './property.ts';
import { quantile } from './quantile.ts';
import { holds, type Where } from './where.ts';

export interface FunnelQuestion {
  fromMs: number;
  toMs: number;
  windowMs: number;
  includeBots: boolean;
  where?: Where;
  steps: readonly { event?: string; where?: Where }[];
  order?: 'ordered' | 'strict';
  exclude?: readonly { event: string; after?: number; before?: number }[];
  hold?: readonly string[];
  breakdown?: readonly string[];
  limit?: number;
}

interface FunnelStep {
  users: number;
  medianSeconds: number | null;
  p90Seconds: number | null;
  medianSecondsFromStart: number | null;
}

export interface FunnelAnswer {
  steps: FunnelStep[];
  breakdowns: { breakdown: string[]; steps: FunnelStep[] }[];
}

/** One way through the steps: places of its events among the person's sorted events. */
type Chain = readonly number[];

/** Tries every chain of every person and keeps the best one. `person`: who did an event, where people decided something about it. */
export function funnel(all: readonly StoredEvent[], question: FunnelQuestion, person = personOf(all)): FunnelAnswer {
  const { breakdown = [], hold = [], limit = 10 } = question;
  const asked = all.filter((event) => (question.includeBots || !event.bot) && holds(event, question.where));
  const people = [...groupBy(asked, person).values()].flatMap((events) => {
    const held = groupBy(events, (event) => JSON.stringify(hold.map((name) => textOf(event, name) ?? null)));
    const lots = [...held]
      .filter(([key]) => !(JSON.parse(key) as unknown[]).includes(null))
      .toSorted(([a], [b]) => Buffer.compare(Buffer.from(sortable(a)), Buffer.from(sortable(b))))
      .map(([, lot]) => lot);
    const walks = lots.flatMap((lot) => bestChain(lot, question) ?? []);
    const best = walks.toSorted((a, b) => b.times.length - a.times.length || (a.times.at(-1) ?? 0) - (b.times.at(-1) ?? 0) || (b.times[0] ?? 0) - (a.times[0] ?? 0))[0];
    return best ?? [];
  });
  const summary = (of: readonly { times: number[] }[]): FunnelStep[] =>
    question.steps.map((_, i) => {
      const there = of.filter(({ times }) => times.length > i);
      const since = (from: number): number[] => there.map(({ times }) => ((times[i] ?? 0) - (times[from] ?? 0)) / 1000).toSorted((a, b) => a - b);
      const at = (level: number, from: number): number | null => (i === 0 || there.length === 0 ? null : quantile(since(from), level));
      return { users: there.length, medianSeconds: at(0.5, i - 1), p90Seconds: at(0.9, i - 1), medianSecondsFromStart: at(0.5, 0) };
    });
  const groups = groupBy(people, ({ start }) => JSON.stringify(breakdown.map((name) => textOf(start, name) ?? null)));
  const unset = JSON.stringify(breakdown.map(() => null));
  const ranked = [...groups].filter(([key]) => key !== unset).toSorted(([a, x], [b, y]) => y.length - x.length || Buffer.compare(Buffer.from(sortable(a)), Buffer.from(sortable(b))));
  const shown: [string[], readonly { times: number[] }[]][] = ranked.slice(0, limit).map(([key, of]) => [labels(key), of]);
  const rest = ranked.slice(limit).flatMap(([, of]) => of);
  if (rest.length > 0) shown.push([breakdown.map(() => 'other'), rest]);
  const none = groups.get(unset);
  if (breakdown.length > 0 && none !== undefined) shown.push([labels(unset), none]);
  return { steps: summary(people), breakdowns: breakdown.length === 0 ? [] : shown.map(([label, of]) => ({ breakdown: label, steps: summary(of) })) };
}

function bestChain(events: readonly StoredEvent[], question: FunnelQuestion): { start: StoredEvent; times: number[] } | undefined {
  const { steps, fromMs, toMs, windowMs, order = 'ordered', exclude = [] } = question;
  const matches = (event: StoredEvent, k: number): boolean => {
    const step = steps[k];
    if (step === undefined || (k === 0 && (event.timeMs < fromMs || event.timeMs >= toMs))) return false;
    return (step.event === undefined || event.eventName === step.event) && holds(event, step.where);
  };
  const firstStep = (event: StoredEvent): number => {
    const found = steps.findIndex((_, k) => matches(event, k));
    return found < 0 ? steps.length : found;
  };
  const sorted = events
    .filter(({ timeMs }) => timeMs >= fromMs)
    .toSorted((a, b) => a.timeMs - b.timeMs || a.sequence - b.sequence || firstStep(a) - firstStep(b) || Buffer.compare(Buffer.from(a.eventId), Buffer.from(b.eventId)));
  const timeOf = (place: number): number => sorted[place]?.timeMs ?? Number.NaN;

  const isAllowed = (chain: Chain): boolean =>
    exclude.every(({ event, after = 1, before = steps.length }) => {
      const [low, high] = [chain[after - 1], chain[before - 1]];
      // Also while the chain is still on its way from `after` to `before`: what has been spoilt can't go on.
      if (low === undefined) return true;
      return !sorted.slice(low + 1, high ?? (chain.at(-1) ?? 0) + 1).some(({ eventName }) => eventName === event);
    });

  let best: Chain = [];
  const walk = (chain: Chain): void => {
    if (chain.length > 0 && isBetter(chain, best)) best = chain;
    if (chain.length === steps.length) return;
    const last = chain.at(-1);
    for (let next = (last ?? -1) + 1; next < sorted.length; next++) {
      const event = sorted[next];
      if (event === undefined || (order === 'strict' && last !== undefined && next > last + 1)) break;
      if (!matches(event, chain.length)) continue;
      if (last !== undefined && event.timeMs - timeOf(chain[0] ?? 0) > windowMs) continue;
      const longer = [...chain, next];
      if (isAllowed(longer)) walk(longer);
    }
  };
  walk([]);
  const start = sorted[best[0] ?? -1];
  return start === undefined ? undefined : { start, times: best.map(timeOf) };
}

/** Further; then completing first; then the latest start; then each step as early as it can be. */
function isBetter(chain: Chain, than: Chain): boolean {
  if (chain.length !== than.length) return chain.length > than.length;
  const [end, otherEnd] = [chain.at(-1) ?? 0, than.at(-1) ?? 0];
  if (end !== otherEnd) return end < otherEnd;
  const [start, otherStart] = [chain[0] ?? 0, than[0] ?? 0];
  if (start !== otherStart) return start > otherStart;
  const differs = chain.findIndex((place, i) => place !== than[i]);
  return differs >= 0 && (chain[differs] ?? 0) < (than[differs] ?? 0);
}

function labels(key: string): string[] {
  return (JSON.parse(key) as (string | null)[]).map((label) => label ?? '(not set)');
}

/** Unset before any text. */
function sortable(key: string): string {
  return (JSON.parse(key) as (string | null)[]).map((part) => (part === null ? '-' : `=${part}`)).join('\0');
}
