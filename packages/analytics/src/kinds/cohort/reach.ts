import type { Reach } from '../../asking/reach.ts';
import { EARLIEST_MS, type TimeRange } from '../../time/range.ts';
import { DEFAULT_WINDOW, isAmongDoers, lengthOf, type One, type Question } from './question.ts';

/** Of which event times it hangs who is a member: of all of them where also who never did something may be one. */
export function reachOfMembers(question: Question, { fromMs, toMs }: TimeRange): Reach {
  const conditions = question.all.map((item, i): [One, string][] => ('any' in item ? item.any.map((one, j) => [one, `all[${i}].any[${j}]`]) : [[item, `all[${i}]`]])).flat();
  const reach: Reach = { fromMs: isAmongDoers(question) ? fromMs : EARLIEST_MS, toMs, aheadMs: 0 };
  for (const [one, field] of conditions) {
    if ('sequence' in one) reach.aheadMs = Math.max(reach.aheadMs, lengthOf(one.window ?? DEFAULT_WINDOW, `${field}.window`));
    if ('within' in one && one.within !== undefined) reach.fromMs = Math.min(reach.fromMs, toMs - lengthOf(one.within, `${field}.within`));
  }
  return reach;
}

/** Beside the members it tells of how many they are: of everybody who ever did anything. */
export function reachOfCohort(question: Question, range: TimeRange): Reach {
  return { ...reachOfMembers(question, range), fromMs: EARLIEST_MS };
}
