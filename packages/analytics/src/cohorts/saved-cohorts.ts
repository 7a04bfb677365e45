/** The saved cohorts of a project as of one asking (rules C6, C7, C9). */
import type { Asking } from '../ask.ts';
import { Question } from '../kinds/cohort-question.ts';
import { membersSql } from '../kinds/cohort-sql.ts';
import { personsOfActors } from '../person.ts';
import type { ProjectIdentity } from '../project-identity.ts';
import { QuestionError } from '../problem.ts';
import { timeRange } from '../range.ts';
import { validate } from '../validate.ts';
import { cohortsNamed } from './named.ts';

/** Finds the question of a saved cohort by its name; undefined where there is none. */
export type CohortLookup = (project: string, name: string) => Promise<unknown>;

/** Of cohorts of cohorts. */
const MAX_DEPTH = 5;

export class SavedCohorts {
  readonly #scope: Pick<Asking, 'project' | 'identity' | 'nowMs'>;
  readonly #lookup: CohortLookup | undefined;
  readonly #found = new Map<string, Question>();
  readonly #heights = new Map<string, number>();

  constructor(scope: Pick<Asking, 'project' | 'identity' | 'nowMs'>, lookup: CohortLookup | undefined) {
    this.#scope = scope;
    this.#lookup = lookup;
  }

  /**
   * Looks up all that a question names, and what these name. `within`: the names of the cohorts that it stands in. Throws a
   * QuestionError for one that there is not, one that would contain itself, or too many within each other.
   */
  async check(question: unknown, within: readonly string[] = []): Promise<void> {
    for (const { name, field } of cohortsNamed(question)) {
      const height = await this.#height(name, field, within);
      if (within.length + height <= MAX_DEPTH) continue;
      throw new QuestionError({ code: 'invalid_value', field, value: name, rule: `at most ${MAX_DEPTH} cohorts within each other`, detail: `Cohorts may be ${MAX_DEPTH} deep; by way of ${name} these would be deeper.` });
    }
  }

  /** How many cohorts are within each other from this one down, itself counted. */
  async #height(name: string, field: string, within: readonly string[]): Promise<number> {
    if (within.includes(name)) {
      throw new QuestionError({ code: 'cohort_cycle', field, value: name, rule: 'a cohort does not contain itself', detail: `A cohort would contain itself: ${[...within, name].join(', ')}.` });
    }
    const known = this.#heights.get(name);
    if (known !== undefined) return known;
    let height = 1;
    for (const inner of cohortsNamed(await this.#get(name, field))) height = Math.max(height, 1 + (await this.#height(inner.name, field, [...within, name])));
    this.#heights.set(name, height);
    return height;
  }

  async #get(name: string, field: string): Promise<Question> {
    const known = this.#found.get(name);
    if (known !== undefined) return known;
    const saved = await this.#lookup?.(this.#scope.project, name);
    if (saved === undefined) {
      throw new QuestionError({ code: 'unknown_cohort', field, value: name, rule: 'the name of a saved cohort', detail: `There is no saved cohort ${name}; save it with PUT /api/questions/cohort/{name}.` });
    }
    const question = validate(Question, saved);
    this.#found.set(name, question);
    return question;
  }

  /** SELECT of `key`, every id that may stand on an event of the cohort's people now, as OWNER_KEYS has it. Throws a QuestionError. */
  async ids(name: string): Promise<string> {
    const question = await this.#get(name, '');
    const range = timeRange(question, this.#scope.nowMs);
    return idsOfPersons(membersSql(question, { ...this.#scope, range }), this.#scope.identity);
  }
}

/** SELECT of `key`, the ids of the persons that a SELECT of `person` tells. */
function idsOfPersons(members: string, identity: ProjectIdentity): string {
  const ids = `SELECT of_person, groupArray(if(of_user != '', concat('u', of_user), concat('a', of_device))) AS ids FROM (${personsOfActors(identity)}) GROUP BY of_person`;
  return `SELECT DISTINCT arrayJoin(arrayPushBack(ids, person)) AS key FROM (${members}) AS members LEFT JOIN (${ids}) AS known ON members.person = known.of_person`;
}
