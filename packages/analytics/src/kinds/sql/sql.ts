/** A SELECT that somebody wrote, over stable views of the project's data. */
import { Type } from 'typebox';
import type { Asking } from '../../asking/asking.ts';
import type { Kind } from '../../kind.ts';
import { QuestionError } from '../../question/problem.ts';
import { adhocRequest, asQuestionError } from './run.ts';
import { Question } from './question.ts';
import { reachOfSql } from './reach.ts';

const Answer = Type.Object({
  columns: Type.Optional(Type.Array(Type.Object({ name: Type.String(), type: Type.String({ description: 'of ClickHouse' }) }))),
  rows: Type.Optional(Type.Array(Type.Array(Type.Unknown({ description: 'a number, a text, true, false, null, a list or an object, by the type of its column' })))),
  estimatedRows: Type.Optional(Type.Integer({ description: 'of "explain": true' })),
});

export const sql: Kind = { name: 'sql', summary: 'A SELECT of your own, over views of the project’s data.', question: Question, answer: Answer, answerTo, reach: reachOfSql };

async function answerTo(question: Question, asking: Asking): Promise<object> {
  const { sql: processes, ran } = asking;
  const request = await adhocRequest(question, asking);
  if (question.format !== undefined) {
    throw new QuestionError({ code: 'unsupported_combination', field: 'format', value: question.format, rule: 'a file is streamed', detail: 'A file is not an answer: leave format away here.' });
  }
  if (processes === undefined) throw new Error('nothing runs SQL queries here');
  // The answer tells it; looked up while the query is judged. What goes wrong with it is told then.
  asking.rollups.frozenMs().catch(() => {});
  try {
    if (question.explain === true) return { estimatedRows: await processes.estimate(request) };
    const { columns, rows, rowsRead } = await processes.ask(request);
    ran(request.query, rowsRead);
    return { columns, rows };
  } catch (error) {
    throw asQuestionError(error, question);
  }
}
