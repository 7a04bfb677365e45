import type { Topic } from '@tidemark/log';

/**
 * What the process that appends tells: what it asked for, and what was acknowledged. `at`: how long the journal was then,
 * so that a disk cut at `at` or later owes what was acknowledged, and can hold nothing that was asked for after it.
 */
export type LogNote = Step & { readonly at: number };

export type Step =
  | { readonly kind: 'appending' | 'appended' | 'dropping'; readonly topic: Topic; /** Offset after the last record, or after the last to be dropped. */ readonly end: number }
  | { readonly kind: 'positioning' | 'positioned'; readonly offset: number };

/** What a disk cut at some moment owes, and what it may hold. */
export interface Owed {
  appended: Record<Topic, number>;
  appending: Record<Topic, number>;
  dropping: Record<Topic, number>;
  positioned: number;
  positioning: number;
}

export function owedAt(notes: readonly LogNote[], at: number): Owed {
  const owed: Owed = {
    appended: { events: 0, quarantine: 0 },
    appending: { events: 0, quarantine: 0 },
    dropping: { events: 0, quarantine: 0 },
    positioned: 0,
    positioning: 0,
  };
  for (const note of notes) {
    if (note.at > at) continue;
    if ('offset' in note) owed[note.kind] = Math.max(owed[note.kind], note.offset);
    else owed[note.kind][note.topic] = Math.max(owed[note.kind][note.topic], note.end);
  }
  return owed;
}
