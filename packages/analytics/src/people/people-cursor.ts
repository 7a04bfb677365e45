import { createHash } from 'node:crypto';
import type { NodeKey } from '@tidemark/identity';
import { QuestionError } from '../question/problem.ts';

/** An opaque text for `nextCursor`: the key of the last person of a page, and a hash of what was asked. */
export function writePeopleCursor(last: NodeKey, asked: unknown): string {
  return Buffer.from(JSON.stringify([hashOf(asked), last])).toString('base64url');
}

/** The key in a cursor of the same request. Throws a QuestionError for anything else. */
export function readPeopleCursor(text: string, asked: unknown): NodeKey {
  try {
    const [hash, last] = JSON.parse(Buffer.from(text, 'base64url').toString()) as unknown[];
    if (hash === hashOf(asked) && typeof last === 'string' && /^[ua]./su.test(last)) return last as NodeKey;
  } catch {
    // Not ours; told below.
  }
  throw new QuestionError({ code: 'invalid_cursor', field: 'cursor', value: text, rule: 'the nextCursor of an answer to the same question and cell', detail: 'This is no cursor of this question; pass nextCursor on with the question and cell unchanged, or none to begin.' });
}

/** The same for texts of the same JSON, in whichever order its fields come. */
function hashOf(asked: unknown): string {
  const sorted = JSON.stringify(asked, (_, value: unknown) => (typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))) : value));
  return createHash('sha256').update(sorted).digest('base64url').slice(0, 16);
}
