/** The best chain of one person's events through the steps of a funnel: every chain is tried (docs/questions/funnel.md, F1 to F11). */
import type { StoredEvent } from '@tidemark/event';
import { holds, type Where } from './where.ts';

export interface FunnelSelector {
  event?: string | readonly string[];
  where?: Where;
}

export interface ChainQuestion {
  fromMs: number;
  toMs: number;
  windowMs: number;
  steps: readonly (FunnelSelector & { optional?: boolean })[];
  order?: 'ordered' | 'strict' | 'any';
  exclude?: readonly (FunnelSelector & { after?: number; before?: number })[];
}

/** One way through the steps: places of its events among the person's sorted events. */
type Chain = readonly number[];

export interface FoundChain {
  /** The events of the required steps that were reached; in any order, by the number of steps done. */
  chain: StoredEvent[];
  /** The event of each step of the question; undefined where there is none. */
  events: (StoredEvent | undefined)[];
}

/** The events of a person in the order of rule F2. */
export function inOrder(events: readonly StoredEvent[], question: ChainQuestion): StoredEvent[] {
  const firstSteps = new Map(
    events.map((event) => {
      const found = question.steps.findIndex((_, i) => mayServe(event, i, question));
      return [event, found < 0 ? question.steps.length : found];
    }),
  );
  const firstStep = (event: StoredEvent): number => firstSteps.get(event) ?? 0;
  return events.toSorted((a, b) => a.timeMs - b.timeMs || a.sequence - b.sequence || firstStep(a) - firstStep(b) || Buffer.compare(Buffer.from(a.eventId), Buffer.from(b.eventId)));
}

export function bestChain(events: readonly StoredEvent[], question: ChainQuestion): FoundChain | undefined {
  const { steps, fromMs, toMs, windowMs, order = 'ordered', exclude = [] } = question;
  const required = steps.flatMap(({ optional = false }, i) => (optional ? [] : [i]));
  const sorted = inOrder(events, question).filter(({ timeMs }) => timeMs >= fromMs);
  const timeOf = (place: number): number => sorted[place]?.timeMs ?? Number.NaN;
  const firstSteps = sorted.map((event) => steps.findIndex((step) => selects(step, event)));
  const stepOf = (place: number): number => firstSteps[place] ?? -1;
  // By place; asked once, for there are very many chains.
  const serves = sorted.map((event) => steps.map((_, i) => mayServe(event, i, question)));
  const spoils = exclude.map((selector) => sorted.map((event) => selects(selector, event)));

  const follows = (chain: Chain, next: number): boolean => {
    const event = sorted[next];
    if (event === undefined) return false;
    const [start] = chain;
    if (start === undefined && event.timeMs >= toMs) return false;
    if (start !== undefined && event.timeMs - timeOf(start) > windowMs) return false;
    if (order === 'any') return stepOf(next) >= 0 && !chain.some((place) => stepOf(place) === stepOf(next));
    return serves[next]?.[required[chain.length] ?? -1] ?? false;
  };
  const isSpoilt = (chain: Chain): boolean =>
    exclude.some(({ after = 1, before = steps.length }, i) => {
      const placeOf = (step: number): number | undefined => chain[required.indexOf(step - 1)];
      const [low, high] = [placeOf(after), placeOf(before)];
      // Also while the chain is still on its way from `after` to `before`: what has been spoilt can't go on.
      return low !== undefined && spoils[i]!.slice(low + 1, high ?? (chain.at(-1) ?? 0) + 1).includes(true);
    });

  let best: Chain = [];
  const walk = (chain: Chain): void => {
    if (chain.length > 0 && isBetter(chain, best)) best = chain;
    if (chain.length === required.length) return;
    const last = chain.at(-1) ?? -1;
    const until = order === 'strict' && last >= 0 ? last + 2 : sorted.length;
    for (let next = last + 1; next < until; next++) {
      const longer = [...chain, next];
      if (follows(chain, next) && !isSpoilt(longer)) walk(longer);
    }
  };
  walk([]);
  if (best.length === 0) return undefined;

  const optionalEvent = (i: number): StoredEvent | undefined => {
    const low = best[required.findLastIndex((step) => step < i)];
    const high = best[required.findIndex((step) => step > i)];
    if (low === undefined) return undefined;
    return sorted.slice(low + 1, high).find((event) => selects(steps[i], event) && event.timeMs - timeOf(best[0] ?? 0) <= windowMs);
  };
  const served = steps.map((_, i) => (required.includes(i) ? sorted[best[required.indexOf(i)] ?? -1] : optionalEvent(i)));
  return { chain: best.flatMap((place) => sorted[place] ?? []), events: served };
}

export function selects(selector: FunnelSelector | undefined, event: StoredEvent | undefined): boolean {
  if (selector === undefined || event === undefined) return false;
  return (selector.event === undefined || [selector.event].flat().includes(event.eventName)) && holds(event, selector.where);
}

/** Whether an event matches a step where it may: step 1 lies in the range, unless the steps come in any order. */
function mayServe(event: StoredEvent, i: number, { steps, toMs, order }: ChainQuestion): boolean {
  return selects(steps[i], event) && (i > 0 || order === 'any' || event.timeMs < toMs);
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
