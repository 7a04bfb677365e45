/** Whom a static cohort is to keep: the people of conditions, of a list of ids, or behind a number of an answer. */
import Type from 'typebox';
import type { AskContext } from '../asking/ask-context.ts';
import { begin, type Begun } from '../asking/begin.ts';
import { kindOf } from '../kinds.ts';
import { membersSql } from '../kinds/cohort/sql.ts';
import { QuestionError, type Problem } from '../question/problem.ts';
import { validate } from '../question/validate.ts';
import { listedIds } from './listed-ids.ts';
import { keysOfIds, personsWithAnyOf } from './persons-of-ids.ts';
import type { StaticCohort } from './static-question.ts';

interface StaticSource extends Begun {
  /** SELECT of `person`, once each. */
  persons: string;
}

/** Throws a QuestionError, WarehouseError. */
export async function staticSource(cohort: StaticCohort, context: AskContext): Promise<StaticSource> {
  if ('behind' in cohort) return behindCell(cohort.behind, context).catch(withinBehind);
  if ('people' in cohort) {
    const begun = await begin({}, context);
    const { identity } = begun.asking;
    return { ...begun, persons: personsWithAnyOf(keysOfIds(await listedIds(cohort.people, context.warehouse), identity), identity) };
  }
  const { mode: _, ...question } = cohort;
  const begun = await begin(question as object as Record<string, never>, context);
  return { ...begun, persons: membersSql(question, begun.asking) };
}

async function behindCell({ kind: name, question, cell }: Extract<StaticCohort, { behind: object }>['behind'], context: AskContext): Promise<StaticSource> {
  const { people, name: kind, question: shape } = kindOf(name);
  if (people === undefined) throw new QuestionError({ code: 'unsupported_combination', field: 'kind', value: name, rule: 'a kind whose numbers count people', detail: `No number of the question ${kind} has people behind it.` });
  const asked = validate(shape, question) as Record<string, never>;
  const { cell: meant } = validate(Type.Object({ cell: people.cell }), { cell });
  const begun = await begin(asked, context);
  return { ...begun, persons: await people.peopleOf(asked as never, meant as never, begun.asking) };
}

/** The question and its cell stand within the cohort's. */
function withinBehind(error: unknown): never {
  if (!(error instanceof QuestionError)) throw error;
  const moved = ({ field, ...problem }: Problem): Problem => {
    const isOwn = field === 'kind' || /^cell\b/.test(field);
    return { ...problem, field: isOwn ? `behind.${field}` : ['behind.question', field].filter((part) => part !== '').join('.') };
  };
  const [first, ...more] = error.problems;
  throw new QuestionError(moved(first), ...more.map(moved));
}
