/** All of an SQL query's result as a streamed file (rule Z8). */
import type { AskContext } from '../../asking/ask-context.ts';
import { begin } from '../../asking/begin.ts';
import type { Completeness } from '../../asking/completeness.ts';
import { Question } from './question.ts';
import { reachOfSql } from './reach.ts';
import { validate } from '../../question/validate.ts';
import { adhocRequest, asQuestionError } from './run.ts';

export interface SqlFile {
  format: 'csv' | 'ndjson' | 'parquet';
  contentType: string;
  completeness: Completeness;
  /** Reads to its end or throws: what is wrong with the query before its first chunk. */
  stream(): AsyncGenerator<Buffer>;
}

const CONTENT_TYPES = { csv: 'text/csv; charset=utf-8; header=present', ndjson: 'application/x-ndjson', parquet: 'application/vnd.apache.parquet' } as const;

/** Whether a question of kind sql asks for a file. */
export function asksForFile(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'format' in body && body.format !== undefined;
}

/** Throws a QuestionError. */
export async function sqlFile(body: unknown, context: AskContext): Promise<SqlFile> {
  const question = validate(Question, body) as Question & { format: SqlFile['format'] };
  const { asking, meta } = await begin(question as never, context, { reachOf: reachOfSql });
  const { asOf, completeThrough, provisionalFrom } = await meta();
  const request = await adhocRequest(question, asking);
  const { sql } = asking;
  if (sql === undefined) throw new Error('nothing runs SQL queries here');
  async function* stream(): AsyncGenerator<Buffer> {
    try {
      yield* sql!.file(request, question.format);
    } catch (error) {
      throw asQuestionError(error, question);
    }
  }
  return { format: question.format, contentType: CONTENT_TYPES[question.format], completeness: { asOf, completeThrough, provisionalFrom }, stream };
}
