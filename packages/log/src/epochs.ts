/**
 * A log is one run of offsets under one or more epochs, each beginning where the one before it ended (as the leader
 * epochs of Kafka do, KIP-101). A record keeps its epoch for good, so what the stores hold of it is found again; a copy
 * of the log that was put back goes on under a new one, so that its next records are never taken for those that the
 * original had at the same offsets.
 */
import type { Position, Topic } from './position.ts';

export interface Epoch {
  /** Random. */
  name: string;
  /** Offset of its first record in each topic. */
  from: Record<Topic, number>;
  /** Epoch ms: no record of it has a smaller receivedAt. */
  beganAtMs: number;
  /** `restored`: the log is a copy that was put back. `fell_back`: the stores were ahead of it, so it must be one too. */
  because: 'created' | 'restored' | 'fell_back';
  /** Events that the log had counted as received when it began. */
  received: { project: string; source: string; received: number }[];
}

export function firstEpoch(name: string, beganAtMs: number): Epoch {
  return { name, from: { events: 0, quarantine: 0 }, beganAtMs, because: 'created', received: [] };
}

export function currentEpoch(epochs: readonly Epoch[]): Epoch {
  const last = epochs.at(-1);
  if (last === undefined) throw new Error('a log without an epoch');
  return last;
}

/** The epoch of the record at `offset`, and the offset at which it ends: Infinity for the current one. */
export function epochAt(epochs: readonly Epoch[], topic: Topic, offset: number): { name: string; end: number } {
  for (let index = epochs.length - 1; index >= 0; index--) {
    const { name, from } = epochs[index]!;
    if (offset >= from[topic]) return { name, end: epochs[index + 1]?.from[topic] ?? Infinity };
  }
  throw new Error(`offset ${offset} of ${topic} lies before the log's first epoch`);
}

/**
 * Where a consumer with this position goes on in the log; undefined when the position is of another log. A position
 * behind the end of its epoch is one of a log that was lost: what follows was put there since, and none of it is done.
 */
export function continueFrom(epochs: readonly Epoch[], topic: Topic, { epoch, offset }: Position): number | undefined {
  const index = epochs.findIndex(({ name }) => name === epoch);
  if (index < 0) return undefined;
  return Math.min(offset, epochs[index + 1]?.from[topic] ?? Infinity);
}
