/** Who did what, did not do what, or is what (docs/questions.md, C1 to C8). */
import type { StoredEvent } from '@tidemark/event';
import { funnel } from './funnel.ts';
import { groupBy } from './group-by.ts';
import { personOf } from './person.ts';
import { textOf } from './property.ts';
import { holds, type Condition, type Where } from './where.ts';
import type { CohortedEvent } from './event-with.ts';

type Names = string | readonly string[];
type One =
  | Condition
  | { did: Names; where?: Where; atLeast?: number; atMost?: number; withinMs?: number }
  | { didNot: Names; where?: Where; withinMs?: number }
  | { sequence: readonly { event?: string; where?: Where }[]; windowMs: number };

export interface CohortQuestion {
  fromMs: number;
  toMs: number;
  nowMs: number;
  includeBots: boolean;
  where?: Where;
  all: readonly (One | { any: readonly One[] })[];
  breakdown?: readonly string[];
  limit?: number;
}

export interface CohortAnswer {
  /** Nodes. */
  members: string[];
  /** Nodes, too: those that `of` counts. */
  everybody: string[];
  of: number;
  breakdowns: { breakdown: string[]; size: number }[];
}

/** `members`: of each cohort, by name. */
export function withCohorts<Event extends StoredEvent>(events: readonly Event[], members: Readonly<Record<string, readonly string[]>>, person = personOf(events)): (Event & CohortedEvent)[] {
  return events.map((event) => ({ ...event, cohorts: Object.keys(members).filter((name) => members[name]?.includes(person(event))) }));
}

/** `all`: the events of the project, which went through withOwners, and through withCohorts where the question names cohorts. */
export function cohort(all: readonly StoredEvent[], question: CohortQuestion, person = personOf(all)): CohortAnswer {
  const { fromMs, toMs, nowMs, includeBots, where, breakdown = [], limit = 10 } = question;
  const people = groupBy(all.filter((event) => event.timeMs < toMs && (includeBots || !event.bot)), person);

  const isTrue = (condition: One, who: string): boolean => {
    const own = all.filter((event) => person(event) === who);
    if ('property' in condition) return holds(own[0]!, [condition]);
    if ('sequence' in condition) {
      const { sequence: steps, windowMs } = condition;
      const known = own.filter(({ timeMs }) => timeMs <= nowMs || timeMs < toMs);
      return funnel(known, { fromMs, toMs, windowMs, includeBots, steps, ...(where && { where }) }, () => who).steps.at(-1)?.users === 1;
    }
    const names = 'did' in condition ? condition.did : condition.didNot;
    const sinceMs = condition.withinMs === undefined ? fromMs : toMs - condition.withinMs;
    const times = own.filter(
      (event) => event.timeMs >= sinceMs && event.timeMs < toMs && (includeBots || !event.bot) && (names === '*' || [names].flat().includes(event.eventName)) && holds(event, where) && holds(event, condition.where),
    ).length;
    return 'didNot' in condition ? times === 0 : times >= (condition.atLeast ?? 1) && times <= (condition.atMost ?? Infinity);
  };
  const members = [...people.keys()].filter((who) => question.all.every((item) => ('any' in item ? item.any.some((each) => isTrue(each, who)) : isTrue(item, who))));

  const groups = groupBy(members, (who) => JSON.stringify(breakdown.map((name) => textOf(people.get(who)![0]!, name) ?? null)));
  const unset = JSON.stringify(breakdown.map(() => null));
  const ranked = [...groups].filter(([key]) => key !== unset).toSorted(([a, x], [b, y]) => y.length - x.length || Buffer.compare(sortable(a), sortable(b)));
  const rest = ranked.slice(limit).reduce((sum, [, of]) => sum + of.length, 0);
  return {
    members, everybody: [...people.keys()], of: people.size,
    breakdowns: breakdown.length === 0 ? [] : [
      ...ranked.slice(0, limit).map(([key, of]) => ({ breakdown: (JSON.parse(key) as (string | null)[]).map((label) => label ?? '(not set)'), size: of.length })),
      ...(rest > 0 ? [{ breakdown: breakdown.map(() => 'other'), size: rest }] : []),
      ...(groups.has(unset) ? [{ breakdown: breakdown.map(() => '(not set)'), size: groups.get(unset)!.length }] : []),
    ],
  };
}

/** Unset before any text. */
function sortable(key: string): Buffer {
  return Buffer.from((JSON.parse(key) as (string | null)[]).map((part) => (part === null ? '-' : `=${part}`)).join('\0'));
}
