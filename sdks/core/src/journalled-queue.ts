import type { Journal, QueuedEvent } from './ports.ts';
import type { Queue } from './queue.ts';

/** A queue that outlives the process. */
export interface DurableQueue extends Queue {
  /** Ends when what an earlier life left is in the queue (or could not be read), oldest first. Never rejects. */
  readonly restored: Promise<void>;
  /** Begins again with what the journal holds: for a page that was away, while others may have sent or deleted it. */
  restoreAgain(): Promise<void>;
}

/** Makes a queue durable. `onDropped` is told of what did not fit; `onError` of failures: the queue goes on without (Q2). */
export type MakeDurable = (
  queue: Queue,
  onDropped: (events: readonly QueuedEvent[]) => void,
  onError: (error: unknown) => void,
) => DurableQueue;

/** By writing all that happens to the queue into a journal too. Apart from the queue, as a page may do without it. */
export const withJournal =
  (journal: Journal): MakeDurable =>
  (queue, onDropped, onError) => {
    let cleared: boolean;
    const forget = (gone: readonly QueuedEvent[]): void => {
      if (gone.length > 0) journal.remove(gone.map(({ eventId }) => eventId)).catch(onError);
    };
    const restore = async (): Promise<void> => {
      cleared = false;
      const left = await journal.load();
      // While it was read, consent to all of it was withdrawn.
      if (cleared) return forget(left);
      // Of what was added since the start the journal may tell, too: it was written before it was read.
      const since = queue.pieces(Infinity, Infinity).flat();
      const known = new Set(since.map(({ eventId }) => eventId));
      queue.clear();
      const earlier = left.filter(({ eventId }) => !known.has(eventId));
      const gone = [...earlier, ...since].flatMap((event) => queue.add(event));
      forget(gone);
      onDropped(gone);
    };
    return Object.assign(Object.create(queue) as Queue, {
      restored: restore().catch(onError),
      restoreAgain() {
        const held = queue.pieces(Infinity, Infinity).flat();
        queue.clear();
        return restore().catch((error: unknown) => {
          // Without a journal this queue is all there is.
          held.forEach((event) => queue.add(event));
          onError(error);
        });
      },
      add(event: QueuedEvent) {
        const gone = queue.add(event);
        forget(gone);
        journal.add(event).catch(onError);
        return gone;
      },
      remove(gone: readonly QueuedEvent[]) {
        queue.remove(gone);
        forget(gone);
      },
      clear() {
        cleared = true;
        queue.clear();
        journal.clear().catch(onError);
      },
    });
  };
