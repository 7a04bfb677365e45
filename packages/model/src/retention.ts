import type { StoredEvent } from '@tidemark/event';
import { bucketStarts, type Granularity, type WeekDay } from './calendar.ts';
import { groupBy } from './group-by.ts';
import { earlier, personOf } from './person.ts';
import { cut, textOf } from './property.ts';
import { holds, isCalled, type Where } from './where.ts';

interface Selector {
  event?: string | readonly string[];
  where?: Where;
}

export interface RetentionQuestion {
  fromMs: number;
  toMs: number;
  nowMs: number;
  timezone: string;
  period: Granularity;
  weekStart?: WeekDay;
  /** Periods in which each column ends, ascending: `[1, 2, 3]` are three columns of one period. */
  brackets: readonly number[];
  entry: 'first_time' | 'recurring';
  mode: 'on' | 'on_or_after';
  includeBots: boolean;
  where?: Where;
  start: Selector;
  return: Selector;
  breakdown?: readonly string[];
  limit?: number;
}

export interface RetentionTable {
  breakdown: string[];
  cohorts: { startMs: number; size: number; retained: (number | null)[]; unfinishedFrom: number | null }[];
  mean: { size: number; rates: (number | null)[] };
}

/** Somebody of a cohort: their first start event in it, and all events of theirs that are returns. */
interface Member {
  person: string;
  cohort: number;
  start: StoredEvent;
  returns: readonly StoredEvent[];
}

/** The whole first, then its groups in the order in which they are shown. */
export function retention(all: readonly StoredEvent[], question: RetentionQuestion, person = personOf(all)): RetentionTable[] {
  const { fromMs, toMs, nowMs, timezone, period, entry, breakdown = [], limit = 10 } = question;
  const matches = (event: StoredEvent, { event: name, where }: Selector): boolean =>
    (question.includeBots || !event.bot) && holds(event, question.where) && isCalled(event, name) && holds(event, where);
  const cohorts = bucketStarts(timezone, period, fromMs, toMs, question.weekStart).length;
  const dayMs = 86_400_000;
  const longestMs = { minute: 1, hour: 1, day: 26 / 24, week: 7.1, month: 31.1 }[period] * dayMs;
  const starts = bucketStarts(timezone, period, fromMs, toMs + (question.brackets.at(-1)! + 1) * longestMs, question.weekStart);
  const periodOf = (event: StoredEvent): number => starts.findLastIndex((start) => start <= event.timeMs);

  const members = [...groupBy(all.toSorted(inOrder), person)].flatMap(([name, events]): Member[] => {
    const returns = events.filter((event) => event.timeMs <= nowMs && matches(event, question.return));
    const started = events.filter((event) => matches(event, question.start));
    const counted = (entry === 'first_time' ? started.slice(0, 1) : started).filter(({ timeMs }) => timeMs >= fromMs && timeMs < toMs);
    return [...groupBy(counted, (event) => String(periodOf(event)))].map(([cohort, [start]]) => ({ person: name, cohort: Number(cohort), start: start!, returns }));
  });
  const tableOf = (labels: string[], of: readonly Member[]): RetentionTable => {
    const columns = question.brackets.map((end, i) => ({ first: question.brackets[i - 1] ?? 0, end }));
    const rows = starts.slice(0, cohorts).map((startMs, cohort) => {
      const own = of.filter((member) => member.cohort === cohort);
      const cells = columns.map(({ first, end }) => {
        const [beginMs, endMs] = [starts[cohort + first]!, starts[cohort + end]!];
        const isBack = ({ start, returns }: Member): boolean =>
          returns.some((event) => isNotBefore(start, event) && event.timeMs >= beginMs && (question.mode === 'on_or_after' || event.timeMs < endMs));
        return { begun: beginMs <= nowMs, ended: endMs <= nowMs, back: own.filter(isBack).length };
      });
      return { startMs, size: own.length, cells };
    });
    const rates = columns.map((_, i) => {
      const ended = rows.filter(({ cells }) => cells[i]!.ended);
      const [back, size] = [ended.reduce((sum, { cells }) => sum + cells[i]!.back, 0), ended.reduce((sum, row) => sum + row.size, 0)];
      return size === 0 ? null : back / size;
    });
    return {
      breakdown: labels,
      cohorts: rows.map(({ startMs, size, cells }) => {
        const unfinished = cells.findIndex(({ ended }) => !ended);
        return { startMs, size, retained: cells.map(({ begun, back }) => (begun ? back : null)), unfinishedFrom: unfinished < 0 ? null : unfinished };
      }),
      mean: { size: of.length, rates },
    };
  };
  if (breakdown.length === 0) return [tableOf([], members)];

  const groups = groupBy(members, ({ start }) => JSON.stringify(breakdown.map((name) => cut(textOf(start, name)))));
  const unset = JSON.stringify(breakdown.map(() => null));
  const ranked = [...groups].filter(([key]) => key !== unset).toSorted(([a, x], [b, y]) => y.length - x.length || Buffer.compare(sortable(a), sortable(b)));
  const rest = ranked.slice(limit).flatMap(([, of]) => of);
  return [
    tableOf([], members),
    ...ranked.slice(0, limit).map(([key, of]) => tableOf((JSON.parse(key) as (string | null)[]).map((label) => label ?? '(not set)'), of)),
    ...(rest.length > 0 ? [tableOf(breakdown.map(() => 'other'), rest)] : []),
    ...(groups.has(unset) ? [tableOf(breakdown.map(() => '(not set)'), groups.get(unset)!)] : []),
  ];
}

/** What is of the same moment and sequence as a start may come back (rule R3), as a second step may come after a first (F2). */
function isNotBefore(start: StoredEvent, event: StoredEvent): boolean {
  return (event.timeMs - start.timeMs || event.sequence - start.sequence) >= 0;
}

/** A person's order (rule F2, without steps). */
function inOrder(a: StoredEvent, b: StoredEvent): number {
  return a.timeMs - b.timeMs || a.sequence - b.sequence || earlier(a, b);
}

/** Unset before any text. */
function sortable(key: string): Buffer {
  return Buffer.from((JSON.parse(key) as (string | null)[]).map((part) => (part === null ? '-' : `=${part}`)).join('\0'));
}
