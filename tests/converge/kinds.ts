/** The kinds of questions beside trend, funnel and sessions, and trends by what is known of groups, persons and sessions: each asked once. */
import { attribution, cohort, experiment, paths, retention, trend, type AttributionAnswer, type System } from '@tidemark/model';
import type { Asked } from './questions.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Retention has a cohort for each day, of so long at most. */
const RETENTION_MS = 30 * DAY_MS;

type Known = ReturnType<System['known']>;

interface Kind {
  kind: keyof typeof TOLD;
  body: object;
  byModel: (known: Known) => unknown;
}

/** What of an answer the model tells, too. */
export interface ToldOfKind {
  kind: string;
  told: unknown;
}

export interface AnswerOfKind {
  kind: keyof typeof TOLD;
  answer: object;
}

/** An answer of each kind in the words of its model: without shares, means over groups, and how sure they are. */
const TOLD = {
  trend: ({ series }: { series: { breakdown: string[]; total: number }[] }) => series.map(({ breakdown, total }) => ({ breakdown, total })),
  retention: ({ cohorts }: { cohorts: { start: string; size: number; retained: (number | null)[] }[] }) => cohorts.map(({ start, size, retained }) => [Date.parse(start), size, retained]),
  paths: (answer: object) => answer,
  attribution: ({ conversions, users, withoutTouch, breakdowns }: AttributionAnswer) => ({ conversions, users, withoutTouch, breakdowns }),
  experiment: ({ crossovers, metrics }: { crossovers: number; metrics: { variants: { variant: string; users: number; converted: number }[] }[] }) => ({
    crossovers, variants: Object.fromEntries(metrics[0]!.variants.map(({ variant, users, converted }) => [variant, [users, converted]])),
  }),
  cohort: ({ size, of, breakdowns }: { size: number; of: number; breakdowns: object[] }) => ({ size, of, breakdowns }),
};

export function kindsOf({ fromMs, toMs, nowMs, steps, breakdown }: Asked): Kind[] {
  const [first = '', second = '', last = second] = steps;
  const range = { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() };
  const asked = { fromMs, toMs, includeBots: false };
  const trendBy = (property: string, measure: 'events' | 'users' | { unique: string }): Kind => {
    const shape = { granularity: 'day' as const, breakdown: [property], series: [{ measure }] };
    return { kind: 'trend', body: { ...range, ...shape }, byModel: ({ events, person }) => TOLD.trend({ series: trend(events, { ...asked, timezone: 'UTC', ...shape }, person).flat() }) };
  };
  const retentionTo = Math.min(toMs, fromMs + RETENTION_MS);
  return [
    trendBy('traits.plan', 'users'),
    trendBy('group.tier', { unique: 'groupId' }),
    trendBy('session.entryEvent', 'events'),
    {
      kind: 'retention',
      body: { ...range, to: new Date(retentionTo).toISOString(), start: { event: first }, return: {}, period: 'day', periods: 3 },
      byModel: ({ events, person }) => {
        const [whole] = retention(events, { ...asked, toMs: retentionTo, nowMs, timezone: 'UTC', period: 'day', brackets: [1, 2, 3], entry: 'first_time', mode: 'on', start: { event: first }, return: {} }, person);
        return whole!.cohorts.map(({ startMs, size, retained }) => [startMs, size, retained]);
      },
    },
    {
      kind: 'paths',
      body: { ...range, after: { event: first }, window: '1h', steps: 4, nodeLimit: 3, breakdown: [breakdown] },
      byModel: ({ events, person }) => paths(events, { ...asked, after: { event: first }, windowMs: HOUR_MS, steps: 4, nodeLimit: 3, hide: [], group: [], collapse: true, breakdown: [breakdown] }, person).answer,
    },
    {
      kind: 'attribution',
      body: { ...range, conversion: { event: last }, touch: { event: first }, lookback: '1d', models: ['first_touch', 'last_touch'], breakdown: [breakdown] },
      byModel: ({ events, person }) =>
        TOLD.attribution(attribution(
          events, { ...asked, lookbackMs: DAY_MS, halfLifeMs: 7 * DAY_MS, models: ['first_touch', 'last_touch'], conversion: { event: last }, touch: { event: first }, channels: [], breakdown: [breakdown] }, person,
        )),
    },
    {
      kind: 'experiment',
      body: { ...range, exposure: { event: first }, variant: breakdown, metrics: [{ event: second }] },
      byModel: ({ events, person }) => {
        const [whole] = experiment(events, { ...asked, nowMs, exposure: { event: first }, variant: breakdown, metrics: [{ event: second }] }, person);
        return { crossovers: whole!.crossovers, variants: Object.fromEntries(whole!.variants.map(({ variant, users, metrics }) => [variant, [users, metrics[0]!.converted]])) };
      },
    },
    {
      kind: 'cohort',
      body: { ...range, all: [{ did: first }, { didNot: last }], breakdown: ['person.plan'] },
      byModel: ({ events, person }) => {
        const { members, of, breakdowns } = cohort(events, { ...asked, nowMs, all: [{ did: first }, { didNot: last }], breakdown: ['person.plan'] }, person);
        return { size: members.length, of, breakdowns };
      },
    },
  ];
}

export function told({ kind, answer }: AnswerOfKind): ToldOfKind {
  return { kind, told: (TOLD[kind] as (answer: object) => unknown)(answer) };
}
