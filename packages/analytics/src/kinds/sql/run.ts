/** A question of kind sql as a request to the processes that run such, and their refusals as problems of the question. */
import { AdhocRefusal, type AdhocRequest } from '@tidemark/warehouse';
import { checkSql, type Question } from './question.ts';
import { QuestionError } from '../../question/problem.ts';
import type { ProjectIdentity } from '../../identity/project-identity.ts';
import type { TimeRange } from '../../time/range.ts';
import { withParameters } from './parameters.ts';
import { sqlRelations } from './relations.ts';

/** Throws a QuestionError. */
export function adhocRequest(question: Question, whose: { project: string; identity: ProjectIdentity; range: TimeRange; signal?: AbortSignal | undefined }): AdhocRequest {
  checkSql(question);
  const { project, identity, range, signal } = whose;
  const { queryId } = question;
  return {
    project,
    query: withParameters(question.query, question.params ?? {}, range),
    relations: sqlRelations(identity),
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

export function asQuestionError(error: unknown): unknown {
  if (!(error instanceof AdhocRefusal)) return error;
  const { code, value, message } = error;
  return new QuestionError({ code, field: 'query', ...(value !== undefined && { value }), rule: RULES[code], detail: message });
}
