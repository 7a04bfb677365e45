import { begin, kindOf, type AskContext } from './ask.ts';
import { validate } from './validate.ts';

/** Throws as `ask` does for what is wrong with a question. No event is read; the warehouse judges its patterns only. */
export async function checkQuestion(kindName: string, body: unknown, context: AskContext): Promise<void> {
  const kind = kindOf(kindName);
  const { waitFor: _, ...question } = validate(kind.question, body) as Record<string, never>;
  const judged = { ...context };
  const { asking } = await begin(question, judged);
  // From here on its statements are made and answered with nothing.
  judged.warehouse = Object.create(context.warehouse, { query: { value: () => Promise.resolve({ rows: [], rowsRead: 0 }) } }) as AskContext['warehouse'];
  await kind.answerTo(question as never, asking);
}
