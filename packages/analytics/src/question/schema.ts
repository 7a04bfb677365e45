/** What all questions share, as JSON Schema: checked here, and shown by the API in its OpenAPI document. */
import Type, { type Static } from 'typebox';
import { WEEK_DAYS } from '../time/buckets.ts';
import { DURATION_PATTERN } from '../time/duration.ts';

const OPERATORS = ['=', '!=', 'in', 'not_in', 'contains', 'not_contains', '>', '>=', '<', '<=', 'is_set', 'is_not_set', 'matches'] as const;
export type Operator = (typeof OPERATORS)[number];

const Scalar = Type.Union([Type.String({ maxLength: 10_000 }), Type.Number(), Type.Boolean()], {
  description: 'a text, a number, true or false (what is not set is asked for by op is_not_set)',
});

export const PropertyName = Type.String({ minLength: 1, maxLength: 1_000, description: 'a property such as userId or properties.price' });

export const Condition = Type.Object(
  {
    property: PropertyName,
    op: Type.Enum([...OPERATORS], { description: `one of ${OPERATORS.join(' ')}` }),
    value: Type.Optional(
      Type.Union([Scalar, Type.Array(Scalar, { minItems: 1, maxItems: 1_000, description: 'a list of 1 to 1,000 values; where there are more, several conditions' })], {
        description: 'a text, a number, true or false; for in and not_in a list of 1 to 1,000 of them; none for is_set and is_not_set',
      }),
    ),
  },
  { additionalProperties: false },
);
export type Condition = Static<typeof Condition>;

const ConditionGroup = Type.Object({ any: Type.Array(Condition, { minItems: 1, maxItems: 50 }) }, { additionalProperties: false });

export const Where = Type.Array(Type.Union([Condition, ConditionGroup], { description: 'a condition, or {"any": [conditions]}' }), {
  maxItems: 50,
});
export type Where = Static<typeof Where>;

export const EventName = Type.String({ minLength: 1, maxLength: 200 });
/** One name or several; absent means any event. */
export const EventNames = Type.Union([EventName, Type.Array(EventName, { minItems: 1, maxItems: 50 })], {
  description: 'the name of an event, or a list of up to 50 names',
});

/** Events that a question asks for: by name, within conditions of their own; `{}` = any. */
export const EventSelector = Type.Object(
  { event: Type.Optional(EventNames), where: Type.Optional(Where), label: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })) },
  { additionalProperties: false },
);

export const Duration = Type.String({ pattern: DURATION_PATTERN, description: 'a duration such as 30m: 1s to 366d' });

/** Fields that every question takes. */
export const COMMON = {
  from: Type.Optional(Type.String({ maxLength: 40, description: 'RFC 3339, a date, -15m, -24h, -7d, now, today or yesterday' })),
  to: Type.Optional(Type.String({ maxLength: 40, description: 'as from; exclusive' })),
  range: Type.Optional(Type.String({ maxLength: 40, description: 'today, yesterday, last 7d, this week, last month, …; instead of from and to' })),
  timezone: Type.Optional(Type.String({ description: 'IANA name, default UTC' })),
  weekStart: Type.Optional(Type.Enum([...WEEK_DAYS], { description: `the day on which weeks begin: one of ${WEEK_DAYS.join(', ')}; default monday` })),
  includeBots: Type.Optional(Type.Boolean()),
  where: Type.Optional(Where),
  waitFor: Type.Optional(
    Type.Union([Type.String({ maxLength: 40 }), Type.Integer()], { description: 'a receivedAt: wait up to 10 s until that much is in' }),
  ),
  cache: Type.Optional(Type.Boolean({ description: 'false = computed anew, not an answer of up to 10 s ago or of the same state' })),
};

export const BREAKDOWN = {
  breakdown: Type.Optional(Type.Array(PropertyName, { maxItems: 3, uniqueItems: true, description: 'up to 3 properties' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: 'groups to show, 1 to 100; default 10' })),
};

export const Meta = Type.Object({
  question: Type.Optional(Type.Object({ name: Type.String(), version: Type.Integer() }, { description: 'the saved question that was asked' })),
  cached: Type.Optional(Type.Literal(true, { description: 'it was computed for somebody before, as of asOf' })),
  asOf: Type.String({ description: 'every event acknowledged with receivedAt <= asOf is in' }),
  completeThrough: Type.String({ description: 'the watermark: event times before it are complete' }),
  provisionalFrom: Type.Union([Type.String(), Type.Null()], { description: 'from here on what is told may still change, by events that are late or, where windows reach beyond the range, yet to come; null = nowhere' }),
  approximate: Type.Boolean({ description: 'events that the answer is made of have begun to expire, of its range or of before (a look-back, first times, a cohort): it is counted from the rollups that were kept, or from the events that are left' }),
  rollups: Type.Object(
    {
      buckets: Type.Integer({ description: 'quarters of an hour that were counted from rollups, the rest from events' }),
      frozen: Type.Integer({ description: 'of these, those whose events have begun to expire: counted as of then' }),
      usersError: Type.Number({ description: 'relative standard error of users that were estimated from sketches of what is frozen; 0 = users are exact' }),
    },
  ),
  from: Type.String(),
  to: Type.String(),
  timezone: Type.String(),
  rowsRead: Type.Integer(),
  elapsedMs: Type.Number(),
  sql: Type.String(),
});
export type Meta = Static<typeof Meta>;
