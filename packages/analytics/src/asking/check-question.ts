import type { AskContext } from './ask-context.ts';
import { begin } from './begin.ts';
import { kindOf } from '../kinds.ts';
import { checkSql, type Question as SqlQuestion } from '../kinds/sql/question.ts';
import { validate } from '../question/validate.ts';

/** Throws as `ask` does for what is wrong with a question. No event is read; the warehouse judges its patterns only. */
export async function checkQuestion(kindName: string, body: unknown, context: AskContext): Promise<void> {
  const kind = kindOf(kindName);
  const asked = validate(kind.question, body);
  if (kind.name === 'sql') checkSql(asked as SqlQuestion);
  // Of SQL a file has the same query as an answer; it is judged and its rows estimated, and not run.
  const { waitFor: _, format: __, ...question } = asked as Record<string, never>;
  const judged = { ...context };
  const { asking } = await begin(question, judged);
  const judging = kind.name === 'sql' ? { ...question, explain: true } : question;
  // From here on its statements are made and answered with nothing.
  judged.warehouse = Object.create(context.warehouse, { query: { value: () => Promise.resolve({ rows: [], rowsRead: 0 }) } }) as AskContext['warehouse'];
  await kind.answerTo(judging as never, asking);
}
