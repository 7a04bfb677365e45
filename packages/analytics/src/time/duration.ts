import { QuestionError } from '../question/problem.ts';

const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

export const DURATION_PATTERN = '^[1-9][0-9]{0,8}(s|m|h|d|w)$';
const LONGEST_MS = 366 * UNIT_MS.d;

/** Milliseconds of a duration such as `30m` (1s to 366d, rule Q3), or undefined when it isn't one. */
export function durationMs(text: string): number | undefined {
  const found = /^([1-9][0-9]{0,8})([smhdw])$/.exec(text);
  if (found === null) return undefined;
  const ms = Number(found[1]) * UNIT_MS[found[2] as keyof typeof UNIT_MS];
  return ms <= LONGEST_MS ? ms : undefined;
}

/** Milliseconds of a duration that stands in `field` of a question. Throws a QuestionError. */
export function askedMs(text: string, field: string): number {
  const ms = durationMs(text);
  if (ms !== undefined) return ms;
  throw new QuestionError({ code: 'invalid_value', field, value: text, rule: '1s to 366d', detail: `${field} must be a duration from 1s to 366d.` });
}
