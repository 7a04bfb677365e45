import type { StoredEvent } from '@tidemark/event';
import { bucketStarts, type Granularity, type WeekDay } from './calendar.ts';
import { toDecimal, toNumber } from './decimal.ts';
import { groupBy } from './group-by.ts';
import { personOf } from './person.ts';
import { cut, numberOf, textOf } from './property.ts';
import { quantile } from './quantile.ts';
import { SESSION_GAP_MS, sessionsOf, type Session } from './sessions.ts';
import { holds, isCalled, type Where } from './where.ts';

export interface TrendQuestion {
  fromMs: number;
  toMs: number;
  timezone: string;
  granularity: Granularity;
  weekStart?: WeekDay;
  includeBots: boolean;
  where?: Where;
  breakdown?: readonly string[];
  limit?: number;
  series: readonly { event?: string | readonly string[]; measure: Measure; where?: Where }[];
  /** Stands in place of the series. */
  formula?: (values: readonly number[]) => number;
  cumulative?: boolean;
  /** Buckets of which a point is the mean. */
  rolling?: number;
  stickiness?: 'week' | 'month';
}
export type Measure = 'events' | 'users' | 'sessions' | 'eventsPerUser' | { [name: string]: string };

export interface TrendLine {
  breakdown: string[];
  total: number;
  points: { timeMs: number; value: number }[];
  stickiness?: { timeMs: number; users: number; days: number[] }[];
}

/**
 * The lines of each series (or of the formula), in the order of the answer. `earlier`: of that range, in
 * the groups of the question's own; a group without events has no line.
 */
export function trend(all: readonly StoredEvent[], question: TrendQuestion, person = personOf(all), earlier?: { fromMs: number; toMs: number }): TrendLine[][] {
  const { timezone, granularity, weekStart, breakdown = [], limit = 10, rolling = 1 } = question;
  const { fromMs, toMs } = earlier ?? question;
  const sessionOf = new Map(sessionsOf(all, SESSION_GAP_MS, person).flatMap((session) => [...session.own, ...session.joined].map((event) => [event, session] as const)));
  const chosenIn = (startMs: number, endMs: number): StoredEvent[][] =>
    question.series.map(({ event, where }) => all.filter((each) => isIn(each, startMs, endMs) && (question.includeBots || !each.bot) && isCalled(each, event) && holds(each, question.where) && holds(each, where)));
  const valueOf = (events: readonly StoredEvent[], i: number): number => measured(events, question.series[i]?.measure ?? 'events', person, sessionOf);
  const combined = (each: (i: number) => number, i: number): number => (question.formula === undefined ? each(i) : question.formula(question.series.map((_, at) => each(at))));
  const groupOf = (event: StoredEvent): (string | null)[] => breakdown.map((name) => cut(textOf(event, name)));
  const kept = keptGroups(chosenIn(question.fromMs, question.toMs), groupOf, valueOf, breakdown.length === 0 ? 0 : limit);
  const shownGroup = (event: StoredEvent): string => {
    const key = JSON.stringify(groupOf(event));
    return breakdown.length === 0 || kept.includes(key) || isUnset(key) ? key : 'other';
  };

  const starts = bucketStarts(timezone, granularity, fromMs, toMs, weekStart);
  const precedents = bucketStarts(timezone, granularity, starts[0]! - rolling * LONGEST_MS[granularity], starts[0]!, weekStart);
  const buckets = [...precedents.slice(precedents.length - (rolling - 1)), ...starts];
  const inRange = chosenIn(fromMs, toMs);
  // Before the bucket that holds the range's start all counts, within it what lies in the range.
  const read = chosenIn(buckets[0]!, toMs).map((events) => events.filter(({ timeMs }) => timeMs < starts[0]! || timeMs >= fromMs));
  const order = breakdown.length === 0 ? ['[]'] : [...kept, 'other', JSON.stringify(breakdown.map(() => null))];

  return (question.formula === undefined ? [...question.series.keys()] : [0]).map((i) => {
    const counted = question.formula === undefined ? (inRange[i] ?? []) : inRange.flat();
    const isShown = (key: string): boolean => breakdown.length === 0 || counted.some((event) => shownGroup(event) === key);
    return order.filter(isShown).map((key) => {
      const own = (events: readonly StoredEvent[] | undefined): StoredEvent[] => (events ?? []).filter((event) => shownGroup(event) === key);
      const values = buckets.map((timeMs, at) => {
        const since = question.cumulative === true ? fromMs : timeMs;
        return combined((j) => valueOf(own(read[j]).filter((event) => isIn(event, since, buckets[at + 1] ?? Number.POSITIVE_INFINITY)), j), i);
      });
      const points = starts.map((timeMs, at) => ({ timeMs, value: values.slice(at, at + rolling).reduce((sum, value) => sum + value, 0) / rolling }));
      const labels = key === 'other' ? breakdown.map(() => 'other') : (JSON.parse(key) as (string | null)[]).map((label) => label ?? '(not set)');
      const line = { breakdown: labels, total: combined((j) => valueOf(own(inRange[j]), j), i), points };
      return question.stickiness === undefined ? line : { ...line, stickiness: stickiness(own(inRange[i]), { ...question, fromMs, toMs }, question.stickiness, person) };
    });
  });
}

const LONGEST_MS: Record<Granularity, number> = { minute: 60_000, hour: 5_400_000, day: 90_000_000, week: 8 * 86_400_000, month: 32 * 86_400_000 };

function isIn({ timeMs }: StoredEvent, fromMs: number, toMs: number): boolean {
  return timeMs >= fromMs && timeMs < toMs;
}

function keptGroups(chosen: readonly StoredEvent[][], groupOf: (event: StoredEvent) => (string | null)[], valueOf: (events: readonly StoredEvent[], i: number) => number, limit: number): string[] {
  const kept: string[] = [];
  for (const [i, events] of chosen.entries()) {
    const ranked = [...groupBy(events, (event) => JSON.stringify(groupOf(event)))]
      .filter(([key]) => !isUnset(key))
      .map(([key, of]) => ({ key, value: valueOf(of, i) }))
      .toSorted((a, b) => b.value - a.value || compareGroups(a.key, b.key))
      .slice(0, limit);
    for (const { key } of ranked) if (kept.length < limit && !kept.includes(key)) kept.push(key);
  }
  return kept;
}

/** Of each period of a range: how many people have a selected event on exactly one of its days, on two, and so on. */
function stickiness(events: readonly StoredEvent[], { timezone, weekStart, fromMs, toMs }: TrendQuestion, period: 'week' | 'month', person: (event: StoredEvent) => string): NonNullable<TrendLine['stickiness']> {
  const all = bucketStarts(timezone, period, fromMs, toMs + LONGEST_MS[period], weekStart);
  const days = bucketStarts(timezone, 'day', all[0]!, toMs + LONGEST_MS[period]);
  return all.filter((timeMs, i) => i === 0 || timeMs < toMs).map((timeMs, i) => {
    const [, endMs = Number.POSITIVE_INFINITY] = all.slice(i);
    const people = [...groupBy(events.filter((event) => isIn(event, timeMs, endMs)), person).values()];
    const daysOf = people.map((of) => new Set(of.map((event) => days.findLast((day) => day <= event.timeMs))).size);
    const length = days.filter((day) => day >= timeMs && day < endMs).length;
    return { timeMs, users: people.length, days: Array.from({ length }, (_, at) => daysOf.filter((n) => n === at + 1).length) };
  });
}

function measured(events: readonly StoredEvent[], measure: Measure, person: (event: StoredEvent) => string, sessionOf: ReadonlyMap<StoredEvent, Session>): number {
  if (measure === 'events') return events.length;
  if (measure === 'sessions') return new Set(events.map((event) => sessionOf.get(event))).size;
  if (measure === 'eventsPerUser') return events.length === 0 ? 0 : events.length / new Set(events.map(person)).size;
  if (measure === 'users') return new Set(events.map(person)).size;
  const [[name, property] = ['', '']] = Object.entries(measure);
  if (name === 'unique') return new Set(events.flatMap((event) => textOf(event, property) ?? [])).size;
  const numbers = events.flatMap((event) => numberOf(event, property) ?? []).toSorted((a, b) => a - b);
  // Numbers from 1e50 on are added as doubles, in ascending order (rule T5).
  const isHuge = (number: number): boolean => Math.abs(number) >= 1e50;
  const sum = numbers.filter((number) => !isHuge(number)).reduce((total, number) => total + toDecimal(number), 0n);
  const huge = numbers.filter(isHuge).reduce((total, number) => total + number, 0);
  if (name === 'sum') return toNumber(sum) + huge;
  if (numbers.length === 0) return 0;
  const levels: Record<string, number> = { min: 0, median: 0.5, p90: 0.9, p99: 0.99, max: 1 };
  return name === 'avg' ? toNumber(sum, numbers.length) + huge / numbers.length : quantile(numbers, levels[name] ?? Number.NaN);
}

function isUnset(key: string): boolean {
  return (JSON.parse(key) as unknown[]).every((part) => part === null);
}

/** Unset first, then by the bytes of the text. */
function compareGroups(a: string, b: string): number {
  const [left, right] = [a, b].map((key) => JSON.parse(key) as (string | null)[]);
  for (const [i, part] of (left ?? []).entries()) {
    const other = right?.[i] ?? null;
    if (part === other) continue;
    if (part === null) return -1;
    return other === null ? 1 : Buffer.compare(Buffer.from(part), Buffer.from(other));
  }
  return 0;
}
