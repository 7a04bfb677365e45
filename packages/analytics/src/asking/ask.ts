import type { AskContext } from './ask-context.ts';
import { begin } from './begin.ts';
import { askCached } from '../cache/ask-cached.ts';
import type { Kind } from '../kind.ts';
import { kindOf } from '../kinds.ts';
import { BY_HASH } from '../identity/naming.ts';
import type { Meta } from '../question/schema.ts';
import { validate } from '../question/validate.ts';
import { waitFor } from './wait-for.ts';

/**
 * Answers a question of a kind ('trend', 'funnel', …) with its answer and `meta`. Throws QuestionError for what is wrong
 * with the question, WarehouseError for what is wrong with the warehouse.
 */
export async function ask(kindName: string, body: unknown, context: AskContext): Promise<object & { meta: Meta }> {
  const kind = kindOf(kindName);
  const question = validate(kind.question, body) as Record<string, never>;
  const { caching } = context;
  if (caching === undefined || kind.name === 'sql') return answerAnew(kind, question, context);
  // Before it is looked for: an asker who waits is not to hold up others who ask the same.
  const { waitFor: until, ...now } = question;
  const sinceMs = until === undefined ? -Infinity : await waitFor(until, context);
  return askCached(kind, question, sinceMs, context, caching, () => answerAnew(kind, now, context));
}

async function answerAnew(kind: Kind, question: Record<string, never>, context: AskContext): Promise<object & { meta: Meta }> {
  const { asking, meta } = await begin(question, context, { naming: BY_HASH, reachOf: kind.reach });
  const answer = await kind.answerTo(question as never, asking);
  return { ...answer, meta: await meta() };
}
