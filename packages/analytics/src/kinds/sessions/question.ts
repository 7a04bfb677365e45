import Type, { type Static } from 'typebox';
import { GRANULARITIES } from '../../time/buckets.ts';
import { DURATION_PATTERN, durationMs } from '../../time/duration.ts';
import { QuestionError } from '../../question/problem.ts';
import { BREAKDOWN, COMMON } from '../../question/schema.ts';
import { DEFAULT_GAP } from '../../sessions/session-window.ts';

const LONGEST_GAP_MS = 86_400_000;

export const Question = Type.Object(
  {
    ...COMMON,
    ...BREAKDOWN,
    gap: Type.Optional(Type.String({ pattern: DURATION_PATTERN, description: 'a duration such as 30m: 1s to 1d' })),
    granularity: Type.Optional(Type.Enum([...GRANULARITIES], { description: `one of ${GRANULARITIES.join(', ')}` })),
  },
  { additionalProperties: false },
);
export type Question = Static<typeof Question>;

/** Ms of the gap. Throws a QuestionError. */
export function gapOf({ gap = DEFAULT_GAP }: Question): number {
  const ms = durationMs(gap);
  if (ms !== undefined && ms <= LONGEST_GAP_MS) return ms;
  throw new QuestionError({ code: 'invalid_value', field: 'gap', value: gap, rule: '1s to 1d', detail: 'gap must be a duration from 1s to 1d, such as 30m.' });
}
