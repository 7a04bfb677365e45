import { expect, it } from 'vitest';
import { withJournal } from './journalled-queue.ts';
import type { Journal, QueuedEvent } from './ports.ts';
import { createQueue } from './queue.ts';

const event = (eventId: string): QueuedEvent => ({ eventId, text: '{}', bytes: 2 });
const ids = (queue: { pieces(events: number, bytes: number): QueuedEvent[][] }): string[] =>
  queue.pieces(Infinity, Infinity).flatMap((piece) => piece.map(({ eventId }) => eventId));

function journalOf(load: () => Promise<QueuedEvent[]>): Journal {
  const done = async (): Promise<void> => {};
  return { load, add: done, remove: done, clear: done };
}

it('begins again with what the journal still holds: others have sent or deleted the rest', async () => {
  let stored: QueuedEvent[] = [];
  const queue = withJournal(journalOf(async () => stored))(createQueue({ maxQueueEvents: 10, maxQueueBytes: 100 }), () => {}, () => {});
  await queue.restored;
  ['a', 'b'].forEach((id) => queue.add(event(id)));
  stored = [event('b')];
  const again = queue.restoreAgain();
  queue.add(event('c'));
  await again;
  expect(ids(queue)).toEqual(['b', 'c']);
});

it('keeps what it holds where no journal can be read', async () => {
  const errors: unknown[] = [];
  const queue = withJournal(journalOf(() => Promise.reject(new Error('forbidden'))))(
    createQueue({ maxQueueEvents: 10, maxQueueBytes: 100 }),
    () => {},
    (error) => errors.push(error),
  );
  await queue.restored;
  ['a', 'b'].forEach((id) => queue.add(event(id)));
  await queue.restoreAgain();
  expect(ids(queue).toSorted()).toEqual(['a', 'b']);
  expect(errors.length).toBe(2);
});
