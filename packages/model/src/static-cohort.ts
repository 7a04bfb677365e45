/** What a static cohort keeps of its people, and who they are later (docs/questions.md, C6). */
import type { StoredEvent } from '@tidemark/event';
import type { Persons } from './person.ts';

/** All nodes of the persons among those that events name. */
export function keptNodes(persons: readonly string[], events: readonly StoredEvent[], { ofNode }: Persons): string[] {
  const nodes = events.flatMap(({ type, userId, anonymousId, previousId }) => [
    ...(userId === '' ? [] : [`user ${userId}`]),
    ...(anonymousId === '' ? [] : [`device ${anonymousId}`]),
    ...(type === 'alias' && userId !== '' && previousId !== '' ? [`user ${previousId}`, `device ${previousId}`] : []),
  ]);
  return [...new Set([...persons, ...nodes.filter((node) => persons.includes(ofNode(node)))])];
}

/** A user where there is one of that id, else a device, and where there is neither, a user. */
export function nodesOfIds(ids: readonly string[], events: readonly StoredEvent[]): string[] {
  const users = new Set(events.map(({ userId }) => userId));
  const devices = new Set(events.flatMap(({ type, userId, anonymousId, previousId }) => [anonymousId, ...(type === 'alias' && userId !== '' && userId !== previousId ? [previousId] : [])]));
  return ids.map((id) => (users.has(id) || !devices.has(id) ? `user ${id}` : `device ${id}`));
}

/** The persons who have any of these nodes now. */
export function whoHaveAny(nodes: readonly string[], { ofNode }: Persons): string[] {
  return [...new Set(nodes.map(ofNode))];
}
