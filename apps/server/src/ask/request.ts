/** A question as a request to the API: in full, by the name it was saved under, or for the people behind one of its numbers. */
import type { Access } from '../client/access.ts';
import type { Request } from '../client/http.ts';
import type { Question } from './question.ts';

interface Asked {
  kind: string;
  /** What is said on the command line: of a saved question, what is to be other than saved. */
  question: Question;
  /** A saved question's. */
  name?: string | undefined;
  /** The people of `question.cell`, in pages. */
  people?: boolean | undefined;
  cursor?: string | undefined;
}

export function requestOf({ kind, question, name, people, cursor }: Asked, { url, token }: Access): Request {
  const path = `${url}/api/analytics/${encodeURIComponent(kind)}`;
  if (people) {
    const body = { ...(name !== undefined && { name }), cell: {}, ...question, ...(cursor !== undefined && { cursor }) };
    return { url: `${path}/people`, method: 'POST', token, body };
  }
  if (name === undefined) return { url: path, method: 'POST', token, body: question };
  const changes = Object.entries(question).map(([field, value]) => [field, typeof value === 'string' ? value : JSON.stringify(value)] as [string, string]);
  return { url: `${path}?${new URLSearchParams([['name', name], ...changes])}`, token };
}
