import type { StoredEvent } from '@tidemark/event';
import { bucketStarts, type Granularity } from './calendar.ts';
import { toDecimal, toNumber } from './decimal.ts';
import { groupBy } from './group-by.ts';
import { personOf } from './person.ts';
import { cut, numberOf, textOf } from './property.ts';
import { quantile } from './quantile.ts';
import { sessionsOf, type Session } from './sessions.ts';
import { holds, type Where } from './where.ts';

const GAP_MS = 1_800_000;

export interface TrendQuestion {
  fromMs: number;
  toMs: number;
  timezone: string;
  granularity: Granularity;
  includeBots: boolean;
  where?: Where;
  breakdown?: readonly string[];
  limit?: number;
  series: readonly { event?: string; measure: Measure; where?: Where }[];
}
export type Measure = 'events' | 'users' | 'sessions' | { [name: string]: string };

export interface TrendLine {
  breakdown: string[];
  total: number;
  points: { timeMs: number; value: number }[];
}

/** The lines of each series, in the order of the answer. */
export function trend(all: readonly StoredEvent[], question: TrendQuestion, person = personOf(all)): TrendLine[][] {
  const { fromMs, toMs, timezone, granularity, breakdown = [], limit = 10 } = question;
  const sessionOf = new Map(sessionsOf(all, GAP_MS, person).flatMap((session) => [...session.own, ...session.joined].map((event) => [event, session] as const)));
  const starts = bucketStarts(timezone, granularity, fromMs, toMs);
  const chosen = question.series.map(({ event, where }) =>
    all.filter((each) => each.timeMs >= fromMs && each.timeMs < toMs && (question.includeBots || !each.bot) && (event === undefined || each.eventName === event) && holds(each, question.where) && holds(each, where)),
  );
  const valueOf = (events: readonly StoredEvent[], i: number): number => measured(events, question.series[i]?.measure ?? 'events', person, sessionOf);
  const groupOf = (event: StoredEvent): (string | null)[] => breakdown.map((name) => cut(textOf(event, name)));

  const kept: string[] = [];
  for (const [i, events] of chosen.entries()) {
    const groups = groupBy(events, (event) => JSON.stringify(groupOf(event)));
    const ranked = [...groups]
      .filter(([key]) => breakdown.length > 0 && !isUnset(key))
      .map(([key, of]) => ({ key, value: valueOf(of, i) }))
      .toSorted((a, b) => b.value - a.value || compareGroups(a.key, b.key))
      .slice(0, limit);
    for (const { key } of ranked) if (kept.length < limit && !kept.includes(key)) kept.push(key);
  }

  return chosen.map((events, i) => {
    const shown = groupBy(events, (event) => {
      const key = JSON.stringify(groupOf(event));
      return breakdown.length === 0 || kept.includes(key) || isUnset(key) ? key : 'other';
    });
    const unset = JSON.stringify(breakdown.map(() => null));
    const order = breakdown.length === 0 ? ['[]'] : [...kept, 'other', unset].filter((key) => shown.has(key));
    return order.map((key) => {
      const of = shown.get(key) ?? [];
      const points = starts.map((timeMs, at) => {
        const next = starts[at + 1] ?? Number.POSITIVE_INFINITY;
        return { timeMs, value: valueOf(of.filter((event) => event.timeMs >= timeMs && event.timeMs < next), i) };
      });
      const labels = key === 'other' ? breakdown.map(() => 'other') : (JSON.parse(key) as (string | null)[]).map((label) => label ?? '(not set)');
      return { breakdown: labels, total: valueOf(of, i), points };
    });
  });
}

function measured(events: readonly StoredEvent[], measure: Measure, person: (event: StoredEvent) => string, sessionOf: ReadonlyMap<StoredEvent, Session>): number {
  if (measure === 'events') return events.length;
  if (measure === 'sessions') return new Set(events.map((event) => sessionOf.get(event))).size;
  if (measure === 'users') return new Set(events.map(person)).size;
  const [[name, property] = ['', '']] = Object.entries(measure);
  if (name === 'unique') return new Set(events.flatMap((event) => textOf(event, property) ?? [])).size;
  const numbers = events.flatMap((event) => numberOf(event, property) ?? []).toSorted((a, b) => a - b);
  const sum = numbers.reduce((total, number) => total + toDecimal(number), 0n);
  if (name === 'sum') return toNumber(sum);
  if (numbers.length === 0) return 0;
  const levels: Record<string, number> = { min: 0, median: 0.5, p90: 0.9, p99: 0.99, max: 1 };
  return name === 'avg' ? toNumber(sum, numbers.length) : quantile(numbers, levels[name] ?? Number.NaN);
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
