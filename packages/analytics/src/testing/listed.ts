import type { AskContext } from '../asking/ask-context.ts';
import { askPeople } from '../people/people.ts';

/** The people behind a cell as nodes of the model, `user x` or `device x`, sorted; at most a page. Throws as `askPeople` does. */
export async function listed(kind: string, question: object, cell: object, context: AskContext): Promise<string[]> {
  const { people, total } = await askPeople(kind, { ...question, cell, pageSize: 1_000 }, context);
  if (total !== people.length) throw new Error(`${people.length} of ${total} people are on the page`);
  return people.map(({ personId, userId }) => `${userId === null ? 'device' : 'user'} ${personId}`).toSorted();
}
