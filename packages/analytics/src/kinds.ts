/** The kinds of questions that there are. */
import type { Kind } from './kind.ts';
import { attribution } from './kinds/attribution/attribution.ts';
import { cohort } from './kinds/cohort/cohort.ts';
import { experiment } from './kinds/experiment/experiment.ts';
import { funnel } from './kinds/funnel/funnel.ts';
import { paths } from './kinds/paths/paths.ts';
import { retention } from './kinds/retention/retention.ts';
import { sessions } from './kinds/sessions/sessions.ts';
import { sql } from './kinds/sql/sql.ts';
import { trend } from './kinds/trend/trend.ts';
import { QuestionError } from './question/problem.ts';

export const KINDS: readonly Kind[] = [trend, funnel, sessions, retention, paths, attribution, cohort, experiment, sql];

/** Throws a QuestionError when there is none of this name. */
export function kindOf(kindName: string): Kind {
  const kind = KINDS.find(({ name }) => name === kindName);
  if (kind !== undefined) return kind;
  const names = KINDS.map(({ name }) => name).join(', ');
  throw new QuestionError({ code: 'unknown_kind', field: 'kind', value: kindName, rule: names, detail: `There is no such kind of question; there are ${names}.` });
}
