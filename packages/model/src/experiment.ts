import type { StoredEvent } from '@tidemark/event';
import { toDecimal, toNumber } from './decimal.ts';
import { groupBy } from './group-by.ts';
import { earlier, personOf } from './person.ts';
import { cut, numberOf, textOf } from './property.ts';
import { holds, isCalled, type Where } from './where.ts';

interface Selector {
  event?: string | readonly string[];
  where?: Where;
}

export interface ExperimentQuestion {
  fromMs: number;
  toMs: number;
  nowMs: number;
  windowMs?: number;
  includeBots: boolean;
  where?: Where;
  exposure: Selector;
  variant: string;
  metrics: readonly (Selector & { measure?: 'conversion' | 'events' | { sum: string } })[];
  breakdown?: readonly string[];
  limit?: number;
}

/** Of a variant, by metric: who did something of it, and of a value the mean and the sum of squared deviations. */
interface VariantSums {
  variant: string;
  users: number;
  metrics: { converted: number; mean?: number; squares?: number }[];
}

export interface ExperimentSums {
  breakdown: string[];
  crossovers: number;
  unfinished: number;
  /** By the bytes of their texts. */
  variants: VariantSums[];
}

/** An exposed person, a node, and what the counts tell of them. */
export interface ExposedPerson {
  person: string;
  variant: string;
  isCrossed: boolean;
  isUnfinished: boolean;
  /** By metric. */
  hasConverted: boolean[];
}

interface Exposed {
  person: string;
  variant: string;
  group: string;
  isCrossed: boolean;
  isUnfinished: boolean;
  /** By metric, the person's events of it that count. */
  events: readonly (readonly StoredEvent[])[];
}

/** The whole first, then its groups in the order in which they are shown. */
export function experiment(all: readonly StoredEvent[], question: ExperimentQuestion, person = personOf(all)): ExperimentSums[] {
  const { metrics, breakdown = [], limit = 10 } = question;
  const exposed = exposedOf(all, question, person);
  const sumsOf = (labels: string[], of: readonly Exposed[]): ExperimentSums => ({
    breakdown: labels,
    crossovers: of.filter(({ isCrossed }) => isCrossed).length,
    unfinished: of.filter(({ isUnfinished }) => isUnfinished).length,
    variants: [...groupBy(of, ({ variant }) => variant)].toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))).map(([variant, own]) => ({
      variant,
      users: own.length,
      metrics: metrics.map(({ measure = 'conversion' }, i) => {
        const converted = own.filter(({ events }) => events[i]!.length > 0).length;
        if (measure === 'conversion') return { converted };
        const sums = own.map(({ events }) => events[i]!.reduce((sum, event) => sum + (measure === 'events' ? toDecimal(1) : toDecimal(numberOf(event, measure.sum) ?? 0)), 0n));
        const mean = toNumber(sums.reduce((sum, each) => sum + each, 0n), own.length);
        return { converted, mean, squares: sums.map((sum) => (toNumber(sum) - mean) ** 2).toSorted((a, b) => a - b).reduce((sum, each) => sum + each, 0) };
      }),
    })),
  });
  if (breakdown.length === 0) return [sumsOf([], exposed)];

  const groups = groupBy(exposed, ({ group }) => group);
  const unset = JSON.stringify(breakdown.map(() => null));
  const ranked = [...groups].filter(([key]) => key !== unset).toSorted(([a, x], [b, y]) => y.length - x.length || Buffer.compare(sortable(a), sortable(b)));
  const rest = ranked.slice(limit).flatMap(([, of]) => of);
  return [
    sumsOf([], exposed),
    ...ranked.slice(0, limit).map(([key, of]) => sumsOf((JSON.parse(key) as (string | null)[]).map((label) => label ?? '(not set)'), of)),
    ...(rest.length > 0 ? [sumsOf(breakdown.map(() => 'other'), rest)] : []),
    ...(groups.has(unset) ? [sumsOf(breakdown.map(() => '(not set)'), groups.get(unset)!)] : []),
  ];
}

export function experimentPeople(all: readonly StoredEvent[], question: ExperimentQuestion, person = personOf(all)): ExposedPerson[] {
  return exposedOf(all, question, person).map(({ person: who, variant, isCrossed, isUnfinished, events }) => ({ person: who, variant, isCrossed, isUnfinished, hasConverted: events.map((own) => own.length > 0) }));
}

function exposedOf(all: readonly StoredEvent[], question: ExperimentQuestion, person: (event: StoredEvent) => string): Exposed[] {
  const { fromMs, toMs, nowMs, windowMs, exposure, metrics, breakdown = [] } = question;
  const matches = (event: StoredEvent, { event: name, where }: Selector): boolean => isCalled(event, name) && holds(event, where);
  const asked = all.filter(({ bot, timeMs }) => (question.includeBots || !bot) && timeMs >= fromMs).toSorted(inOrder);
  return [...groupBy(asked, person)].flatMap(([who, events]): Exposed[] => {
    const variantOf = (event: StoredEvent): string => cut(textOf(event, question.variant)) ?? '';
    const exposures = events.filter((event) => event.timeMs < toMs && holds(event, question.where) && matches(event, exposure) && textOf(event, question.variant) !== undefined);
    const [first] = exposures;
    if (first === undefined) return [];
    const counts = ({ timeMs }: StoredEvent): boolean => (windowMs === undefined ? timeMs < toMs : timeMs <= first.timeMs + windowMs);
    const after = events.filter((event) => inOrder(event, first) > 0 && counts(event));
    return [{
      person: who,
      variant: variantOf(first),
      group: JSON.stringify(breakdown.map((name) => cut(textOf(first, name)))),
      isCrossed: exposures.some((event) => variantOf(event) !== variantOf(first)),
      isUnfinished: windowMs !== undefined && first.timeMs + windowMs >= nowMs,
      events: metrics.map((metric) => after.filter((event) => matches(event, metric))),
    }];
  });
}

/** A person's order (rule F2, without steps). */
function inOrder(a: StoredEvent, b: StoredEvent): number {
  return a.timeMs - b.timeMs || a.sequence - b.sequence || earlier(a, b);
}

/** Unset before any text. */
function sortable(key: string): Buffer {
  return Buffer.from((JSON.parse(key) as (string | null)[]).map((part) => (part === null ? '-' : `=${part}`)).join('\0'));
}
