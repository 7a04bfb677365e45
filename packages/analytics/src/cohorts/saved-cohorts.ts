/** The saved cohorts of a project as of one asking (rules C6, C7, C9). */
import type { Asking } from '../asking/asking.ts';
import { Question } from '../kinds/cohort/question.ts';
import { reachOfMembers } from '../kinds/cohort/reach.ts';
import { membersSql } from '../kinds/cohort/sql.ts';
import { BY_KEY } from '../identity/naming.ts';
import { QuestionError } from '../question/problem.ts';
import { timeRange } from '../time/range.ts';
import { validate } from '../question/validate.ts';
import { membersKeys } from './members-keys.ts';
import { cohortsNamed } from './named.ts';
import { idsOfPersons, personsWithAnyOf } from './persons-of-ids.ts';

interface SavedCohort {
  question: unknown;
  /** Of a static one: the id of the members that it keeps. */
  members?: string;
}

/** Finds a saved cohort by its name; undefined where there is none. */
export type CohortLookup = (project: string, name: string) => Promise<SavedCohort | undefined>;

/** What the people of a cohort come of: a question, or the id of members that were kept. */
type Found = { question: Question } | { members: string };

/** `reaches`: told from which event times on the people of a live cohort come. Up to when needs no telling: a live one is of now. */
type Scope = Pick<Asking, 'project' | 'identity' | 'nowMs'> & Partial<Pick<Asking, 'reaches'>>;

/** Of cohorts of cohorts. */
const MAX_DEPTH = 5;

export class SavedCohorts {
  readonly #scope: Scope;
  readonly #lookup: CohortLookup | undefined;
  readonly #found = new Map<string, Found>();
  readonly #heights = new Map<string, number>();

  constructor(scope: Scope, lookup: CohortLookup | undefined) {
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
    const found = await this.#get(name, field);
    // A static one names none: they were asked when it was saved.
    for (const inner of 'question' in found ? cohortsNamed(found.question) : []) height = Math.max(height, 1 + (await this.#height(inner.name, field, [...within, name])));
    this.#heights.set(name, height);
    return height;
  }

  async #get(name: string, field: string): Promise<Found> {
    const known = this.#found.get(name);
    if (known !== undefined) return known;
    const saved = await this.#lookup?.(this.#scope.project, name);
    if (saved === undefined) {
      throw new QuestionError({ code: 'unknown_cohort', field, value: name, rule: 'the name of a saved cohort', detail: `There is no saved cohort ${name}; save it with PUT /api/questions/cohort/{name}.` });
    }
    const found = saved.members === undefined ? { question: validate(Question, saved.question) } : { members: saved.members };
    this.#found.set(name, found);
    return found;
  }

  /** SELECT of `key`, every id that may stand on an event of the cohort's people now, as OWNER_KEYS has it. Throws a QuestionError. */
  async ids(name: string): Promise<string> {
    return idsOfPersons(await this.people(name), this.#scope.identity);
  }

  /** SELECT of `person`, the keys of the cohort's people now. Throws a QuestionError. */
  async people(name: string): Promise<string> {
    const found = await this.#get(name, '');
    const { project, identity, nowMs } = this.#scope;
    if ('members' in found) return personsWithAnyOf(membersKeys(project, found.members), identity);
    const range = timeRange(found.question, nowMs);
    this.#scope.reaches?.({ fromMs: reachOfMembers(found.question, range).fromMs });
    return membersSql(found.question, { ...this.#scope, naming: BY_KEY, range });
  }
}
