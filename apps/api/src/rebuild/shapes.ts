/** How a rebuild is asked for and shown. */
import type { RebuildRequest, RebuildView } from '@tidemark/processor';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { Problem } from '../problem.ts';
import { Count } from '../schemas.ts';
import { toRfc3339 } from '../times.ts';

export const RebuildRequestShape = Type.Object(
  {
    from: Type.Optional(Type.String({ format: 'date-time', description: 'Event time from which on; RFC 3339. Absent = from the first.' })),
    to: Type.Optional(Type.String({ format: 'date-time', description: 'Event time before which. Absent = to the last.' })),
    event: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'Only months in which there are events of this name.' })),
    allowLoss: Type.Optional(Type.Boolean({ description: 'Events that a table holds and the lake does not may go. Else it refuses to swap then.' })),
  },
  { additionalProperties: false },
);

const orNull = (type: string, description: string) => ({ type: [type, 'null'], description });

export const RebuildShape = Type.Object({
  state: Type.Unsafe<RebuildView['state'] | 'none'>({
    type: 'string',
    enum: ['none', 'running', 'done', 'failed', 'cancelled'],
    description: '`none`: there was none yet. The last one is told until the next begins.',
  }),
  phase: Type.Unsafe<string | null>({ ...orNull('string', '`copying` from the lake, `comparing` by every offset, `swapping`; null when none runs.'), enum: ['copying', 'comparing', 'swapping', null] }),
  from: Type.Unsafe<string | null>({ ...orNull('string', 'As it was asked for.'), format: 'date-time' }),
  to: Type.Unsafe<string | null>({ ...orNull('string', 'As it was asked for.'), format: 'date-time' }),
  event: Type.Unsafe<string | null>(orNull('string', 'As it was asked for.')),
  months: Type.Unsafe<string[] | null>({ type: ['array', 'null'], items: { type: 'string' }, description: 'The months, `202601`, that are made again whole; `0` is all before 2016; null = everything.' }),
  startedAt: Type.Unsafe<string | null>({ ...orNull('string', 'When it was asked for.'), format: 'date-time' }),
  endedAt: Type.Unsafe<string | null>({ ...orNull('string', 'null while it runs.'), format: 'date-time' }),
  rows: Type.Integer({ ...Count, description: 'Events that are copied, about.' }),
  totalRows: Type.Integer({ ...Count, description: 'Events that there are to copy, about: more may come.' }),
  secondsLeft: Type.Unsafe<number | null>(orNull('integer', 'Estimate for the copying; null when it is not known.')),
  error: Type.Unsafe<{ code: string; detail: string } | null>({
    type: ['object', 'null'],
    required: ['code', 'detail'],
    properties: { code: { type: 'string', enum: ['rebuild_would_lose', 'rebuild_differs', 'rebuild_failed', 'rebuild_journal_damaged'] }, detail: { type: 'string' } },
    description: 'Why it failed. The tables are then as they were.',
  }),
});

export function toRebuild(view: RebuildView | undefined): Static<typeof RebuildShape> {
  const time = (ms: number | undefined): string | null => (ms === undefined ? null : toRfc3339(ms));
  if (view === undefined) {
    return { state: 'none', phase: null, from: null, to: null, event: null, months: null, startedAt: null, endedAt: null, rows: 0, totalRows: 0, secondsLeft: null, error: null };
  }
  const { state, phase, scope, partitions, startedAtMs, endedAtMs, rows, totalRows, secondsLeft, error } = view;
  return {
    state, rows, totalRows,
    phase: phase ?? null,
    from: time(scope.fromMs),
    to: time(scope.toMs),
    event: scope.event ?? null,
    months: partitions === null ? null : [...partitions],
    startedAt: time(startedAtMs),
    endedAt: time(endedAtMs),
    secondsLeft: secondsLeft ?? null,
    error: error ?? null,
  };
}

/** @throws Problem `invalid_time`, `empty_range` */
export function toRequest({ from, to, event, allowLoss }: Static<typeof RebuildRequestShape>): RebuildRequest {
  const [fromMs, toMs] = [millisOf('from', from), millisOf('to', to)];
  if (fromMs !== undefined && toMs !== undefined && fromMs >= toMs) {
    const detail = '`to` must be later than `from`: events before it are meant.';
    throw new Problem('empty_range', detail, { faults: [{ field: 'to', code: 'empty_range', value: to, detail }] });
  }
  return {
    ...(fromMs === undefined ? {} : { fromMs }),
    ...(toMs === undefined ? {} : { toMs }),
    ...(event === undefined ? {} : { event }),
    ...(allowLoss === undefined ? {} : { allowLoss }),
  };
}

const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/;

function millisOf(field: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = RFC_3339.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(ms)) return ms;
  const detail = `\`${field}\` must be a time such as 2026-01-31T00:00:00Z.`;
  throw new Problem('invalid_time', detail, { faults: [{ field, code: 'invalid_time', value: text, detail }] });
}
