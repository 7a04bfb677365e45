/** The kinds of questions that there are. */
import type { Kind } from './kind.ts';
import { attribution } from './kinds/attribution.ts';
import { cohort } from './kinds/cohort.ts';
import { experiment } from './kinds/experiment.ts';
import { funnel } from './kinds/funnel.ts';
import { paths } from './kinds/paths.ts';
import { retention } from './kinds/retention.ts';
import { sessions } from './kinds/sessions.ts';
import { sql } from './kinds/sql.ts';
import { trend } from './kinds/trend.ts';
import { QuestionError } from './problem.ts';

export const KINDS: readonly Kind[] = [trend, funnel, sessions, retention, paths, attribution, cohort, experiment, sql];

/** Throws a QuestionError when there is none of this name. */
export function kindOf(kindName: string): Kind {
  const kind = KINDS.find(({ name }) => name === kindName);
  if (kind !== undefined) return kind;
  const names = KINDS.map(({ name }) => name).join(', ');
  throw new QuestionError({ code: 'unknown_kind', field: 'kind', value: kindName, rule: names, detail: `There is no such kind of question; there are ${names}.` });
}
