import { randomUUID } from 'node:crypto';
import { RowWriter } from '@tidemark/event';
import type { Frames } from '@tidemark/log';
import type { QuarantineRecord, ReplayedEvent, ReplayLot } from '@tidemark/pipeline';
import type { Appender } from '../append.ts';
import { quarantineFrames } from '../intake.ts';
import { partitionOf } from '../partition.ts';

/** `late`: the lot was made of what has changed since. `busy`: the log can't take it; nothing of it was stored. */
type ReplayEnd = 'appended' | 'late' | 'busy';

/**
 * Lets quarantined events into the log (protocol R4): an event's row and the record that its item has left the quarantine
 * are one group commit, and no receipt is, for they were received before.
 *
 * Who replays asks for the turn first, then reads which items are left, then hands them in with that turn. Each lot ends
 * its turn, however it ends. So a lot is taken only when every lot before it was durable before its items were read:
 * asked twice at once, or after a kill with a request still on its way, an item leaves once.
 */
export class ReplayDoor {
  readonly #appender: Appender;
  readonly #partitions: number;
  readonly #newTurn: () => string;
  #turn: string;
  #appending: Promise<boolean> = Promise.resolve(true);

  constructor(appender: Appender, partitions: number, newTurn: () => string = randomUUID) {
    this.#appender = appender;
    this.#partitions = partitions;
    this.#newTurn = newTurn;
    this.#turn = newTurn();
  }

  /** Resolves when what was handed in before is durable, or has failed. */
  async turn(): Promise<string> {
    await this.#appending;
    return this.#turn;
  }

  /** Resolves when all of the lot is durable, or none of it. */
  async take({ turn, events }: ReplayLot): Promise<ReplayEnd> {
    if (turn !== this.#turn) return 'late';
    if (this.#appender.busy || this.#appender.full) return 'busy';
    this.#turn = this.#newTurn();
    const receivedAtMs = this.#appender.stamp();
    const frames = [...this.#rows(events, receivedAtMs), quarantineFrames(events.map((event) => recordOf(event, receivedAtMs)))];
    this.#appending = this.#appender.append(frames, [], receivedAtMs);
    return (await this.#appending) ? 'appended' : 'busy';
  }

  #rows(events: readonly ReplayedEvent[], receivedAtMs: number): Frames[] {
    const rows = Array.from({ length: this.#partitions }, () => ({ writer: new RowWriter(1 << 16), count: 0 }));
    for (const { project, event } of events) {
      if (event === undefined) continue;
      const of = rows[partitionOf(project, event.eventId, this.#partitions)]!;
      of.writer.writeFramed({ ...event, receivedAtMs });
      of.count++;
    }
    return rows.flatMap(({ writer, count }, partition) => (count === 0 ? [] : [{ topic: 'events', partition, count, bytes: writer.take() }]));
  }
}

function recordOf({ project, source, code, of, itemReceivedAtMs, event }: ReplayedEvent, receivedAtMs: number): QuarantineRecord {
  return { kind: 'replayed', project, source, receivedAtMs, of, itemReceivedAtMs, code, ...(event === undefined ? { known: true } : {}) };
}
