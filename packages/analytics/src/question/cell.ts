/** Parts of a cell (rules K4, K5) that several kinds share. */
import Type from 'typebox';
import { QuestionError } from './problem.ts';
import { readTime, type TimeRange } from '../time/range.ts';

export const CellTime = Type.String({ maxLength: 40, description: 'a time that the answer shows, or the same instant in another form' });

/** The part of a range that one of its points stands for: of those that begin at `starts` the one at `time`. Throws a QuestionError. */
export function pointOfCell(time: string, starts: readonly number[], { fromMs, toMs, zone }: TimeRange, nowMs: number): { fromMs: number; toMs: number } {
  const start = readTime(time, 'cell.time', zone, nowMs);
  const i = starts.indexOf(start);
  if (i >= 0) return { fromMs: Math.max(start, fromMs), toMs: Math.min(starts[i + 1] ?? toMs, toMs) };
  throw noSuch('time', time, 'a time that the answer shows');
}

/** The answer has no number with this in `cell.<name>`. */
export function noSuch(name: string, value: unknown, rule: string): QuestionError {
  return new QuestionError({ code: 'invalid_value', field: `cell.${name}`, value, rule, detail: `The answer has no such number: cell.${name} must be ${rule}.` });
}
