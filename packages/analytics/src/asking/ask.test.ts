import { holds, type Where } from '@tidemark/model';
import type { StoredEvent } from '@tidemark/event';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from './ask.ts';
import type { AskContext } from './ask-context.ts';
import { QuestionError, type Problem } from '../question/problem.ts';
import { openTestStore, storedEvent, type TestStore } from '../testing/store.ts';
import { timelineQuery } from '../timeline/timeline.ts';

/** Texts that break what is glued instead of written as a literal. */
const HOSTILE = [
  "'", "\\'", '\\', '"', '`', "' OR 1=1 --", "'); DROP TABLE events; --", '/*', '*/ 1', '\0', 'a\0b', '\n', '%', '_', '?', '{x:String}', '$1', '😀', '\ud800', '\u2028',
  '=', '-', '+', 'other', '(not set)', 'NULL', 'null', '[1,2]', '^x', 'x[]', ':String', 'x.:Int64', '`x`', ']', 'e -> e', '1e999', 'toString', '__proto__',
].map((text) => text.toWellFormed());

let store: TestStore;
const EVENTS = HOSTILE.map((text, i) =>
  storedEvent({
    project: 'hostile', eventId: text, eventName: text, userId: text, sessionId: text, timeMs: Date.UTC(2026, 4, 3, 0, i),
    properties: { [text]: i, text, list: [text], nested: { [text]: true } }, context: { text }, traits: { [text]: text },
  }),
);
beforeAll(async () => {
  store = await openTestStore();
  await store.add(EVENTS);
  await store.add([storedEvent({ project: 'plain', userId: 'ann', timeMs: Date.UTC(2026, 4, 3) })]);
});
afterAll(() => store.close());

interface Answer {
  series: { label: string; breakdown: string[]; total: number; compare?: { total: number } }[];
  steps: { event: string; users: number }[];
  cohorts: unknown[];
  breakdowns: { breakdown: string[]; steps: { users: number }[] }[];
  meta: Record<string, unknown>;
}
const RANGE = { from: '2026-05-03', to: '2026-05-04' };
const asked = async (kind: string, body: object, context: Partial<AskContext> = {}): Promise<Answer> =>
  (await ask(kind, { ...RANGE, ...body }, { ...store.context('hostile'), ...context })) as unknown as Answer;

async function problemOf(kind: string, body: unknown): Promise<Problem> {
  const error: unknown = await ask(kind, body, store.context('plain')).catch((thrown: unknown) => thrown);
  if (error instanceof QuestionError) return error.problems[0];
  throw new Error(`answered or failed otherwise: ${String(error)}`);
}

describe('what comes from outside', () => {
  it('is only ever a value: names of events, labels, and values under every operator', async () => {
    for (const [i, text] of HOSTILE.entries()) {
      const conditions: Where = [
        { property: 'properties.text', op: '=', value: text },
        { property: 'properties.text', op: '!=', value: text },
        { property: 'properties.list', op: 'in', value: [text, `${text}'`] },
        { property: 'context.text', op: 'contains', value: text },
        { property: 'userId', op: '>', value: text },
        { property: 'sessionId', op: 'not_in', value: [text] },
      ];
      const series = [{ event: text, label: text, measure: 'users' }, ...conditions.map((condition) => ({ where: [condition] }))];
      const { series: found } = await asked('trend', { series });
      expect(found[0]).toMatchObject({ label: text, total: 1 });
      const expected = conditions.map((condition) => EVENTS.filter((event) => holds(event, [condition])).length);
      expect(found.slice(1).map(({ total }) => total), `${i} ${JSON.stringify(text)}`).toEqual(expected);
    }
  });

  it('is only ever a name: properties in conditions, measures, breakdowns and holds', async () => {
    for (const [i, text] of HOSTILE.entries()) {
      if (text.includes('.')) continue;
      const property = `properties.${text}`;
      const where = [{ property, op: 'is_set' }, { property: `properties.nested.${text}`, op: '=', value: true }, { property: `traits.${text}`, op: '=', value: text }];
      const { series } = await asked('trend', { where, series: [{ measure: { max: property } }], breakdown: [property] });
      expect(series, JSON.stringify(text)).toMatchObject([{ total: i, breakdown: [String(i)] }]);
      const funnel = await asked('funnel', { steps: [{ event: text }, { event: text }], hold: [property], breakdown: [`properties.nested.${text}`] });
      expect(funnel.steps.map(({ users }) => users)).toEqual([1, 0]);
      expect(funnel.breakdowns[0]?.breakdown).toEqual(['true']);
    }
  });

  it('is only ever a value or a name in retention and attribution, too', async () => {
    const [named, count] = [HOSTILE.filter((text) => !text.includes('.')), HOSTILE.length];
    const selector = { event: HOSTILE, label: HOSTILE[0], where: [{ property: 'properties.text', op: 'in', value: HOSTILE }] };
    const names = { any: named.map((text) => ({ property: `properties.${text}`, op: 'is_set' })) };
    const retained = await asked('retention', { start: selector, return: { where: [names, { property: 'userId', op: 'in', value: HOSTILE }] }, breakdown: ['properties.text'], periods: 1, limit: 100 });
    expect(retained.cohorts).toMatchObject([{ size: count, retained: [named.length] }]);
    expect(new Set(retained.breakdowns.map(({ breakdown }) => breakdown[0]))).toEqual(new Set(HOSTILE));

    const channels = HOSTILE.map((text) => ({ name: text, where: [{ property: 'properties.text', op: '=', value: text }] }));
    const attributed = await asked('attribution', { conversion: { ...selector, value: "properties.'" }, channels, models: ['linear'], limit: 100 });
    expect(attributed).toMatchObject({ conversions: count, withoutTouch: 0 });
    expect(new Set(attributed.breakdowns.map(({ breakdown }) => breakdown[0]))).toEqual(new Set(HOSTILE));
  });

  it('is only ever a value or a name in an experiment', async () => {
    for (const [i, text] of HOSTILE.entries()) {
      if (text.includes('.')) continue;
      const selector = { event: text, label: text, where: [{ property: 'properties.text', op: '=', value: text }] };
      const question = { exposure: selector, variant: 'properties.text', control: text, split: Object.fromEntries([[text, 1]]), metrics: [{ ...selector, measure: { sum: `properties.${text}` } }], breakdown: [`properties.${text}`] };
      const found = await asked('experiment', question);
      expect(found, JSON.stringify(text)).toMatchObject({ variants: [{ variant: text, users: 1 }], sampleRatio: { pValue: 1 }, breakdowns: [{ breakdown: [String(i)], variants: [{ users: 1 }] }] });
    }
  });

  it('keeps groups apart from the names that the answer gives to groups', async () => {
    const { series } = await asked('trend', { series: [{}], breakdown: ['properties.text'], limit: 100 });
    expect(new Set(series.map(({ breakdown }) => breakdown[0]))).toEqual(new Set(HOSTILE));
    const cut = await asked('trend', { series: [{}], breakdown: ['properties.text'], limit: 1 });
    expect(cut.series.map(({ total }) => total)).toEqual([1, HOSTILE.length - 1]);
  });

  it('finds each person by an id', async () => {
    for (const text of HOSTILE) {
      const { events } = await timelineQuery({ id: text }, store.context('hostile'));
      expect(events.map(({ eventId }) => eventId)).toEqual([text]);
    }
  });

  it('stays within its project', async () => {
    const { series } = await asked('trend', { series: [{}] }, { project: "plain' OR project != '" });
    expect(series[0]?.total).toBe(0);
    expect((await asked('trend', { series: [{}] }, { project: 'plain' })).series[0]?.total).toBe(1);
  });
});

describe('a question that is none', () => {
  const condition = (more: object): object => ({ series: [{}], where: [{ property: 'userId', ...more }] });
  const cases: [string, unknown, code: string, field: string][] = [
    ['nothing', {}, 'unknown_kind', 'kind'],
    ['trend', null, 'invalid_type', ''],
    ['trend', [], 'invalid_type', ''],
    ['trend', {}, 'missing_field', 'series'],
    ['trend', { series: [] }, 'invalid_value', 'series'],
    ['trend', { series: [{}], serie: [] }, 'unknown_field', 'serie'],
    ['trend', { series: [{ event: 7 }] }, 'invalid_value', 'series[0].event'],
    ['trend', { series: [{ event: '' }] }, 'invalid_value', 'series[0].event'],
    ['trend', { series: [{ measure: 'visits' }] }, 'invalid_value', 'series[0].measure'],
    ['trend', { series: [{ measure: { mean: 'properties.x' } }] }, 'invalid_value', 'series[0].measure'],
    ['trend', { series: [{ measure: { sum: 'price' } }] }, 'unknown_property', 'series[0].measure.sum'],
    ['trend', { series: [{}], granularity: 'year' }, 'invalid_value', 'granularity'],
    ['trend', { series: [{}], granularity: 'minute', from: '-60d' }, 'too_many_points', 'granularity'],
    ['trend', { series: [{}], granularity: 'minute', from: '-6d', breakdown: ['userId'] }, 'too_many_points', 'granularity'],
    ['trend', { series: [{}], compare: '0d' }, 'invalid_value', 'compare'],
    ['trend', { series: [{}], compare: '400d' }, 'invalid_value', 'compare'],
    ['trend', { series: [{}], compare: 'previous', from: '1905-01-01', to: '1920-01-01', granularity: 'month' }, 'invalid_value', 'compare'],
    ['trend', { series: [{}], formula: 'A/B' }, 'invalid_formula', 'formula'],
    ['trend', { series: [{}], breakdown: ['session.id'] }, 'unknown_property', 'breakdown[0]'],
    ['trend', { series: [{}], breakdown: ['userId', 'userId'] }, 'invalid_value', 'breakdown'],
    ['trend', { series: [{}], limit: 101 }, 'invalid_value', 'limit'],
    ['trend', { series: [{}], timezone: 'Nowhere/Land' }, 'unknown_timezone', 'timezone'],
    ['trend', { series: [{}], waitFor: 'later' }, 'invalid_time', 'waitFor'],
    ['trend', condition({ op: 'like', value: 'x' }), 'invalid_value', 'where[0].op'],
    ['trend', condition({ value: 'x' }), 'missing_field', 'where[0].op'],
    ['trend', condition({ op: '=', value: null }), 'invalid_value', 'where[0].value'],
    ['trend', condition({ op: '=' }), 'missing_field', 'where[0].value'],
    ['trend', condition({ op: '=', value: ['x'] }), 'invalid_value', 'where[0].value'],
    ['trend', condition({ op: 'in', value: 'x' }), 'invalid_value', 'where[0].value'],
    ['trend', condition({ op: 'in', value: [] }), 'invalid_value', 'where[0].value'],
    ['trend', condition({ op: 'is_set', value: true }), 'invalid_value', 'where[0].value'],
    ['trend', condition({ op: 'contains', value: 7 }), 'invalid_value', 'where[0].value'],
    ['trend', condition({ op: 'matches', value: 'a\0' }), 'invalid_pattern', 'where[0].value'],
    ['trend', { series: [{}], where: [{ any: [] }] }, 'invalid_value', 'where[0].any'],
    ['trend', { series: [{ where: [{ any: [{ property: 'x', op: 'is_set' }] }] }] }, 'unknown_property', 'series[0].where[0].any[0].property'],
    ['trend', condition({ op: 'in', value: Array.from({ length: 1000 }, (_, i) => String(i).repeat(100)) }), 'question_too_large', 'where[0].value'],
    ['funnel', { steps: Array.from({ length: 50 }, () => ({ event: 'x' })) }, 'invalid_value', 'steps'],
    ['funnel', { steps: [{ event: 'x' }], window: '0s' }, 'invalid_value', 'window'],
    ['funnel', { steps: [{ event: 'x' }], window: '367d' }, 'invalid_value', 'window'],
    ['funnel', { steps: [{ event: 'x' }], exclude: [{ event: 'y' }] }, 'invalid_value', 'exclude[0].before'],
    ['funnel', { steps: [{ event: 'x' }], hold: ['cart'] }, 'unknown_property', 'hold[0]'],
    ['experiment', { metrics: [{}] }, 'missing_field', 'exposure'],
    ['experiment', { exposure: {}, metrics: [] }, 'invalid_value', 'metrics'],
    ['experiment', { exposure: {}, metrics: [{ measure: 'users' }] }, 'invalid_value', 'metrics[0].measure'],
    ['experiment', { exposure: {}, metrics: [{ measure: { sum: 'price' } }] }, 'unknown_property', 'metrics[0].measure.sum'],
    ['experiment', { exposure: {}, metrics: [{}], variant: 'b' }, 'unknown_property', 'variant'],
    ['experiment', { exposure: {}, metrics: [{}], window: '0s' }, 'invalid_value', 'window'],
    ['experiment', { exposure: {}, metrics: [{}], minimumEffect: 0 }, 'invalid_value', 'minimumEffect'],
    ['experiment', { exposure: {}, metrics: [{}], split: { a: 2 } }, 'invalid_value', 'split.a'],
    ['experiment', { exposure: {}, metrics: [{}], split: { a: 0.4 } }, 'invalid_value', 'split'],
    ['funnel', { steps: [{ event: 'x', were: [] }] }, 'unknown_field', 'steps[0].were'],
  ];

  for (const [kind, body, code, field] of cases) {
    it(`is refused: ${kind} ${JSON.stringify(body).slice(0, 100)}`, async () => {
      const problem = await problemOf(kind, body);
      expect([problem.code, problem.field]).toEqual([code, field]);
      expect(problem.detail).toMatch(/\.$/);
    });
  }
});

describe('meta', () => {
  const NOW_MS = Date.UTC(2026, 4, 3, 12);

  it('tells how far the answer goes', async () => {
    const status = { asOfMs: NOW_MS - 5, watermarkMs: NOW_MS - 7_200_000 };
    const { meta } = await asked('trend', { series: [{}] }, { clock: () => NOW_MS, freshness: { status: () => status, caughtUp: async () => true } });
    expect(meta).toMatchObject({
      asOf: '2026-05-03T11:59:59.995Z', completeThrough: '2026-05-03T10:00:00.000Z', provisionalFrom: '2026-05-03T10:00:00.000Z',
      approximate: false, from: '2026-05-03T00:00:00.000Z', to: '2026-05-04T00:00:00.000Z', timezone: 'UTC', elapsedMs: 0,
    });
    expect(meta['rowsRead']).toBeGreaterThan(0);
    expect(meta['sql']).toMatch(/^SELECT/);
    const done = { ...status, watermarkMs: Date.UTC(2026, 4, 5) };
    const later = await asked('trend', { series: [{}] }, { freshness: { status: () => done, caughtUp: async () => true } });
    expect(later.meta['provisionalFrom']).toBeNull();
  });

  it('waits until so much is in, and answers anyway after ten seconds', async () => {
    let nowMs = NOW_MS;
    let asOfMs = NOW_MS - 1_000;
    const waited: number[] = [];
    const freshness = {
      status: () => ({ asOfMs, watermarkMs: 0 }),
      async caughtUp(timeoutMs: number) {
        waited.push(timeoutMs);
        nowMs += 4_000;
        asOfMs += 500;
        return true;
      },
    };
    const context = { clock: () => nowMs, freshness };
    expect((await asked('trend', { series: [{}], waitFor: new Date(NOW_MS).toISOString() }, context)).meta['asOf']).toBe('2026-05-03T12:00:00.000Z');
    expect(waited).toEqual([10_000, 6_000]);
    expect((await asked('trend', { series: [{}], waitFor: NOW_MS + 3_600_000 }, context)).meta['asOf']).toBe('2026-05-03T12:00:01.500Z');
    expect(waited).toHaveLength(5);
  });
});

describe('trend with several options', () => {
  it('adds up: parts of a breakdown, a range split in two, formula and compare of each group', async () => {
    const breakdown = ['properties.list'];
    const all = await asked('trend', { series: [{}] });
    const parts = await asked('trend', { series: [{}], breakdown, limit: 3 });
    expect(parts.series.reduce((sum, { total }) => sum + total, 0)).toBe(all.series[0]?.total);
    const halves = await Promise.all([{ to: '2026-05-03T00:10:00Z' }, { from: '2026-05-03T00:10:00Z' }].map((half) => asked('trend', { series: [{}], ...half })));
    expect(halves.reduce((sum, { series }) => sum + (series[0]?.total ?? 0), 0)).toBe(HOSTILE.length);
    const formula = await asked('trend', { series: [{}, {}], formula: 'A+B', breakdown, limit: 3, compare: 'previous' });
    expect(formula.series.map(({ total }) => total)).toEqual(parts.series.map(({ total }) => total * 2));
    expect(formula.series.map(({ compare }) => compare?.total)).toEqual(parts.series.map(() => 0));
    const before = await asked('trend', { series: [{}], from: '2026-05-04', to: '2026-05-05', compare: '1d' });
    expect(before.series[0]).toMatchObject({ total: 0, compare: { total: HOSTILE.length } });
  });
});

// Last, as these fail within the engine.
describe('what only the engine can judge', () => {
  it('is told as a problem of the question', async () => {
    expect(await problemOf('trend', { series: [{}], where: [{ property: 'userId', op: 'matches', value: '(' }] })).toMatchObject({ code: 'invalid_pattern' });
    const nowhere = { property: 'properties.nobody_has_this', op: 'matches', value: '(' };
    const within = { series: [{ where: [{ any: [nowhere] }] }] };
    expect(await problemOf('trend', within)).toMatchObject({ code: 'invalid_pattern', field: 'series[0].where[0].any[0].value', value: '(' });
    const two = [nowhere, { ...nowhere, value: '^a.*(b|c)$' }];
    expect(await problemOf('funnel', { steps: [{ event: 'nothing' }], where: two })).toMatchObject({ code: 'invalid_pattern', field: 'where[0].value' });
    expect((await asked('trend', { series: [{}], where: two.slice(1) })).meta.sql).not.toContain("match('',");
    const heavy = { steps: [{}, {}, {}] };
    await expect(asked('funnel', heavy, { maxMemoryBytes: 1_000 })).rejects.toMatchObject({ problems: [{ code: 'question_too_expensive', field: 'from' }] });
    const grouped = { ...heavy, breakdown: ['properties.plan'] };
    await expect(asked('funnel', grouped, { maxMemoryBytes: 1_000 })).rejects.toMatchObject({ problems: [{ code: 'question_too_expensive', field: 'breakdown' }] });
  });

  it('is told as such while others ask and events come in, and harms neither', async () => {
    const project = 'crowded';
    const batch = (first: number): StoredEvent[] => Array.from({ length: 500 }, (_, i) => storedEvent({ project, userId: `u${first + i}`, eventName: 'view', timeMs: Date.UTC(2026, 4, 3) + first + i }));
    await store.add(batch(0));
    const light = async (): Promise<number> => Number((await asked('trend', { series: [{ measure: 'users' }] }, store.context(project))).series[0]!.total);
    const counts: number[] = [];
    const crowd = Array.from({ length: 3 }, async () => {
      for (let n = 0; n < 4; n++) counts.push(await light());
    });
    const intake = (async () => {
      for (let n = 1; n <= 4; n++) await store.add(batch(n * 500));
    })();
    for (let n = 0; n < 6; n++) {
      const heavy = asked('funnel', { steps: [{}, {}, {}] }, { ...store.context(project), maxMemoryBytes: 100_000 });
      await expect(heavy).rejects.toMatchObject({ problems: [{ code: 'question_too_expensive' }] });
    }
    await Promise.all([...crowd, intake]);
    expect(counts.every((n) => n >= 500 && n % 500 === 0), counts.join(', ')).toBe(true);
    expect(await light()).toBe(2_500);
  });
});
