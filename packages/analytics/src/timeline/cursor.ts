import { QuestionError } from '../question/problem.ts';

/** Where a page of events ended: (time, sequence, eventId) and, for ids seen twice, the log position. */
export interface EventPosition {
  timeMs: number;
  sequence: number;
  eventId: string;
  offset: number;
}

/** An opaque text for `nextCursor`. */
export function writeCursor({ timeMs, sequence, eventId, offset }: EventPosition): string {
  return Buffer.from(JSON.stringify([timeMs, sequence, eventId, offset])).toString('base64url');
}

/** Reads a cursor back. Throws a QuestionError for anything that `writeCursor` didn't write. */
export function readCursor(text: string): EventPosition {
  try {
    const [timeMs, sequence, eventId, offset] = JSON.parse(Buffer.from(text, 'base64url').toString()) as unknown[];
    if (isInteger(timeMs) && isInteger(sequence) && typeof eventId === 'string' && isInteger(offset)) return { timeMs, sequence, eventId, offset };
  } catch {
    // Not ours; told below.
  }
  throw new QuestionError({ code: 'invalid_cursor', field: 'cursor', value: text, rule: 'the nextCursor of an answer', detail: 'This is no cursor of ours; pass nextCursor on unchanged, or none to begin.' });
}

function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value);
}
