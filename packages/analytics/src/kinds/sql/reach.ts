import type { Reach } from '../../asking/reach.ts';
import { EARLIEST_MS, LATEST_MS, type TimeRange } from '../../time/range.ts';
import { namesParameter } from './parameters.ts';
import type { Question } from './question.ts';

/** A query is of its range as far as it says `{from}` and `{to}` (rule Z2), and else of all that there is. */
export function reachOfSql({ query }: Question, { fromMs, toMs }: TimeRange): Reach {
  return { fromMs: namesParameter(query, 'from') ? fromMs : EARLIEST_MS, toMs: namesParameter(query, 'to') ? toMs : LATEST_MS, aheadMs: 0 };
}
