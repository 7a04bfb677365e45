/** What is shown of people (docs/questions/people.md, K1 and K2). */
import type { StoredEvent } from '@tidemark/event';
import { persons, type IdentityDecision } from './person.ts';

export interface PersonShown {
  personId: string;
  userId: string | null;
  anonymousIds: string[];
  lastSeen: string | null;
}

/** The persons of nodes (`user x`, `device x`), in the order of a list. */
export function peopleShown(all: readonly StoredEvent[], names: readonly string[], decisions: readonly IdentityDecision[] = []): PersonShown[] {
  const who = persons(all, decisions);
  const devices = [...new Set(all.map(({ anonymousId }) => anonymousId))].filter((id) => id !== '').toSorted(compareBytes);
  const inOrder = [...new Set(names)].toSorted((a, b) => compareBytes(idOf(a), idOf(b)) || compareBytes(b, a));
  return inOrder.map((name) => {
    const times = all.filter((event) => who.of(event) === name).map(({ timeMs }) => timeMs);
    return {
      personId: idOf(name),
      userId: name.startsWith('user ') ? idOf(name) : null,
      anonymousIds: devices.filter((id) => who.of({ userId: '', anonymousId: id }) === name).slice(0, 100),
      lastSeen: times.length === 0 ? null : new Date(Math.max(...times)).toISOString(),
    };
  });
}

function idOf(node: string): string {
  return node.slice(node.indexOf(' ') + 1);
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
