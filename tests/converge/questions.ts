/** What is asked of a history: a fixed set of questions over one range, as request bodies and as the model takes them. */
import type { FunnelQuestion, SessionsQuestion, TrendQuestion } from '@tidemark/model';

/** What a history wants to be asked. */
export interface Asked {
  /** Epoch ms; event times beyond are seen in timelines and exports only. */
  fromMs: number;
  toMs: number;
  /** When it is asked, epoch ms: retention is silent about what has not ended by then. */
  nowMs: number;
  /** Names of the steps of its funnels, two at least. */
  steps: readonly string[];
  /** Ids whose timelines are shown. */
  ids: readonly string[];
  /** A property to break down by, and one that has numbers. */
  breakdown: string;
  number: string;
  granularity: 'hour' | 'day';
  /** false: trends are counted from events alone, as where rollups outlived some. */
  rollups?: false | undefined;
}

interface Question<Body, ForModel> {
  body: Body & { from: string; to: string };
  forModel: ForModel;
}

const HOUR_MS = 3_600_000;
const WINDOW_MS = { '10m': HOUR_MS / 6, '1h': HOUR_MS, '1d': 24 * HOUR_MS } as const;

export function trendsOf(asked: Asked): Question<object, TrendQuestion>[] {
  const both = [{ measure: 'events' as const }, { measure: 'users' as const }];
  const shapes: Omit<TrendQuestion, 'fromMs' | 'toMs'>[] = [
    { granularity: asked.granularity, timezone: 'UTC', includeBots: true, series: both },
    { granularity: 'day', timezone: 'UTC', includeBots: false, series: [...both, { measure: { sum: asked.number } }], breakdown: ['person.plan'] },
    { granularity: 'day', timezone: 'Asia/Kathmandu', includeBots: false, series: [...both, { event: asked.steps[0]!, measure: 'users' }], breakdown: [asked.breakdown] },
  ];
  return shapes.map((shape) => over(asked, { ...shape, ...(asked.rollups === undefined ? {} : { rollups: false }) }, shape));
}

export function funnelsOf(asked: Asked): Question<object, FunnelQuestion>[] {
  const steps = asked.steps.map((event) => ({ event }));
  const shapes = [
    { steps, window: '1h', order: 'ordered', includeBots: false },
    { steps, window: '1d', order: 'ordered', includeBots: true, breakdown: [asked.breakdown] },
    { steps: steps.slice(0, 2), window: '10m', order: 'strict', includeBots: false },
  ] as const;
  return shapes.map(({ window, ...shape }) => over(asked, { ...shape, window }, { ...shape, windowMs: WINDOW_MS[window] }));
}

export function sessionsOf(asked: Asked): Question<object, SessionsQuestion>[] {
  const shapes = [
    { gap: '30m', gapMs: HOUR_MS / 2, granularity: asked.granularity, timezone: 'UTC', includeBots: false },
    { gap: '1h', gapMs: HOUR_MS, granularity: 'day', timezone: 'Asia/Kathmandu', includeBots: true, breakdown: [asked.breakdown] },
  ] as const;
  return shapes.map(({ gap, gapMs, ...shape }) => over(asked, { ...shape, gap }, { ...shape, gapMs }));
}

function over<Body extends object, ForModel>({ fromMs, toMs }: Asked, body: Body, forModel: ForModel): Question<Body, ForModel & { fromMs: number; toMs: number }> {
  const iso = (ms: number): string => new Date(ms).toISOString();
  return { body: { ...body, from: iso(fromMs), to: iso(toMs) }, forModel: { ...forModel, fromMs, toMs } };
}
