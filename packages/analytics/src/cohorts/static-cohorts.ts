/**
 * The people that static cohorts keep (rule C6), as all their ids in the table `cohort_members`.
 *
 * A saving writes its members under an id of its own, then the saved question names that id, then members that no question names are
 * removed. Cut off before the second step, what was written counts nowhere; before the third, the earlier members do not count any
 * more; the next `sweep` removes either.
 */
import { randomUUID } from 'node:crypto';
import { literal, type Warehouse } from '@tidemark/warehouse';
import type { AskContext } from '../asking/ask-context.ts';
import { QuestionError } from '../question/problem.ts';
import { forgetListed } from './listed-ids.ts';
import { membersKeys } from './members-keys.ts';
import { idsOfPersons, personsWithAnyOf } from './persons-of-ids.ts';
import { staticSource } from './static-source.ts';
import type { StaticCohort } from './static-question.ts';

const MAX_PEOPLE = 10_000_000;

export interface Members {
  id: string;
  people: number;
  ids: number;
}

export interface StaticCohortsParts {
  warehouse: Warehouse;
  /** Ids of the members that saved cohorts name. */
  inUse(): Promise<readonly string[]>;
  /** What could not be removed: the next sweep tries again. */
  onError: (error: unknown) => void;
  maxPeople?: number;
}

export class StaticCohorts {
  readonly #parts: StaticCohortsParts;
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: StaticCohortsParts) {
    this.#parts = parts;
  }

  /** Runs it while no members are being written or removed: a saving is whole, or has not begun. */
  between<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => {});
    return result;
  }

  /**
   * Keeps the people of a cohort as of now; `note` is to save the question with them, and what it resolves to is the result. Nothing
   * is left where it throws. Throws a QuestionError, `cohort_too_large` among them, or WarehouseError.
   */
  save<Saved>(question: StaticCohort, context: AskContext, note: (members: Members) => Promise<Saved>): Promise<Saved> {
    return this.between(async () => {
      try {
        return await note(await this.#write(question, context));
      } finally {
        await this.#forget().catch(this.#parts.onError);
      }
    });
  }

  /** For after a cohort was deleted, or saved as a live one. */
  async release(): Promise<void> {
    await this.sweep().catch(this.#parts.onError);
  }

  /** Removes members that no saved cohort names, and resolves to how many rows these were. */
  sweep(): Promise<number> {
    return this.between(() => this.#sweep());
  }

  async #write(question: StaticCohort, context: AskContext): Promise<Members> {
    const { maxPeople = MAX_PEOPLE } = this.#parts;
    const { project } = context;
    const id = randomUUID();
    const { persons, insert, asking: { identity, query } } = await staticSource(question, context);
    const ids = idsOfPersons(`SELECT person FROM (${persons}) LIMIT ${maxPeople + 1}`, identity);
    await insert('cohort_members (project, members, node)', `SELECT ${literal(project)}, ${literal(id)}, key FROM (${ids})`);
    const kept = membersKeys(project, id);
    const [row] = await query<{ people: number; ids: number }>(`SELECT (SELECT count() FROM (${personsWithAnyOf(kept, identity)})) AS people, (SELECT count() FROM (${kept})) AS ids`);
    const members = { id, people: Number(row?.people ?? 0), ids: Number(row?.ids ?? 0) };
    if (members.people <= maxPeople) return members;
    throw new QuestionError({ code: 'cohort_too_large', field: '', rule: `at most ${maxPeople} people`, detail: `A static cohort keeps up to ${maxPeople} people; narrow it, or save it as a live one.` });
  }

  async #forget(): Promise<void> {
    await forgetListed(this.#parts.warehouse);
    await this.#sweep();
  }

  async #sweep(): Promise<number> {
    const { warehouse, inUse } = this.#parts;
    const { rows: held } = await warehouse.query<{ members: string; ids: number }>('SELECT toString(members) AS members, count() AS ids FROM cohort_members GROUP BY members');
    const named = new Set(await inUse());
    const unnamed = held.filter(({ members }) => !named.has(members));
    if (unnamed.length === 0) return 0;
    await warehouse.command(`DELETE FROM cohort_members WHERE members IN (${unnamed.map(({ members }) => literal(members)).join(', ')}) SETTINGS mutations_sync = 1`);
    return unnamed.reduce((sum, { ids }) => sum + Number(ids), 0);
  }
}
