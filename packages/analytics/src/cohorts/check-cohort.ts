import { peopleSql, refuseOthersProperties } from '../kinds/cohort/sql.ts';
import { Question } from '../kinds/cohort/question.ts';
import { BY_KEY } from '../identity/naming.ts';
import { plainIdentity } from '../identity/project-identity.ts';
import { timeRange } from '../time/range.ts';
import { validate } from '../question/validate.ts';
import { SavedCohorts, type CohortLookup } from './saved-cohorts.ts';
import { shapeOf, type StaticCohort } from './static-question.ts';

interface Scope {
  project: string;
  nowMs: number;
  cohort: CohortLookup;
}

/**
 * Judges a question of kind `cohort` that is to be saved under a name (rules C6, C9): nothing is asked of the warehouse. Throws a
 * QuestionError.
 */
export async function checkCohort(name: string, body: unknown, scope: Scope): Promise<void> {
  const question = validate(Question, body);
  await checkConditions(name, question, scope);
}

/** The same of one that is static; what it is then. Throws a QuestionError. */
export async function checkStaticCohort(name: string, body: object, scope: Scope): Promise<StaticCohort> {
  const question = validate(shapeOf(body), body);
  const { project, nowMs, cohort } = scope;
  if ('all' in question) {
    const { mode: _, ...conditions } = question;
    await checkConditions(name, conditions, scope);
    return question;
  }
  refuseOthers(question.breakdown);
  await new SavedCohorts({ project, nowMs, identity: plainIdentity(project) }, cohort).check(question, [name]);
  return question;
}

async function checkConditions(name: string, question: Question, { project, nowMs, cohort }: Scope): Promise<void> {
  const scope = { project, nowMs, identity: plainIdentity(project), naming: BY_KEY, range: timeRange(question, nowMs) };
  refuseOthers(question.breakdown);
  peopleSql(question, scope);
  await new SavedCohorts(scope, cohort).check(question, [name]);
}

function refuseOthers(breakdown: readonly string[] = []): void {
  for (const [i, property] of breakdown.entries()) refuseOthersProperties(property, `breakdown[${i}]`);
}
