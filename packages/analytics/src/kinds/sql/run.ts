/** A question of kind sql as a request to the processes that run such, and their refusals as problems of the question. */
import { AdhocRefusal, type AdhocRequest } from '@tidemark/warehouse';
import { checkSql, type Question } from './question.ts';
import { QuestionError } from '../../question/problem.ts';
import type { Asking } from '../../asking/asking.ts';
import { asProblem } from '../../asking/to-blame.ts';
import { cohortsAsked, withParameters } from './parameters.ts';
import { sqlRelations, withPeople } from './relations.ts';

/** Throws a QuestionError. */
export async function adhocRequest(question: Question, { project, identity, range, signal, peopleOfCohort }: Asking): Promise<AdhocRequest> {
  checkSql(question);
  const { query, params = {}, queryId } = question;
  let relations = sqlRelations(identity);
  for (const { cohort, view } of cohortsAsked(query, params)) relations = withPeople(relations, view, await peopleOfCohort(cohort));
  return {
    project,
    query: withParameters(query, params, range),
    relations,
    ...(queryId !== undefined && { queryId }),
    ...(signal !== undefined && { signal }),
  };
}

const RULES: Readonly<Record<AdhocRefusal['code'], string>> = {
  sql_invalid: 'a SELECT that ClickHouse understands',
  sql_not_allowed: 'one SELECT of the views, with functions of the list',
  sql_reads_too_much: 'within the rows that a query may read',
  sql_result_too_large: 'within the rows and bytes that an answer may have',
  sql_timeout: 'within the time that a query may take',
  sql_out_of_memory: 'within the memory that a query may take',
  sql_cancelled: 'not cancelled',
};

/** What became of a query, as is told of it; what is nobody's fault stays as it is. */
export function asQuestionError(error: unknown, question: Question): unknown {
  if (!(error instanceof AdhocRefusal)) return ofItsCohorts(asProblem(error, question), question);
  const { code, value, message } = error;
  return new QuestionError({ code, field: 'query', ...(value !== undefined && { value }), rule: RULES[code], detail: message });
}

/** What took too much before the query ran is how its cohorts' people are found, in which the query's own range has no part. */
function ofItsCohorts(error: unknown, { query, params = {} }: Question): unknown {
  const [asked, another] = cohortsAsked(query, params);
  if (!(error instanceof QuestionError) || error.problems[0].code !== 'question_too_expensive' || asked === undefined) return error;
  const { code, rule } = error.problems[0];
  const field = another === undefined ? `params.${asked.parameter}.cohort` : 'params';
  return new QuestionError({ code, field, rule, detail: 'To find the people of the cohort took more than a question may: give the cohort a shorter range or fewer conditions, or save it as a static one.' });
}
