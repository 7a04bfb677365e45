import { peopleSql, refuseOthersProperties } from '../kinds/cohort-sql.ts';
import { Question } from '../kinds/cohort-question.ts';
import { plainIdentity } from '../project-identity.ts';
import { timeRange } from '../range.ts';
import { validate } from '../validate.ts';
import { SavedCohorts, type CohortLookup } from './saved-cohorts.ts';

/**
 * Judges a question of kind `cohort` that is to be saved under a name (rules C6, C9): nothing is asked of the warehouse. Throws a
 * QuestionError.
 */
export async function checkCohort(name: string, body: unknown, { project, nowMs, cohort }: { project: string; nowMs: number; cohort: CohortLookup }): Promise<void> {
  const question = validate(Question, body);
  const scope = { project, nowMs, identity: plainIdentity(project), range: timeRange(question, nowMs) };
  for (const [i, property] of (question.breakdown ?? []).entries()) refuseOthersProperties(property, `breakdown[${i}]`);
  peopleSql(question, scope);
  await new SavedCohorts(scope, cohort).check(question, [name]);
}
