/**
 * Rollups change no answer: with and without them a trend says the same, and it is what the model says, whatever comes late,
 * fails, dies or is recomputed in between. `TIDEMARK_ROLLUP_RUNS=200` tries more histories; `TIDEMARK_SEED=…` the same again.
 */
import { ask, personsOfHashes, plainIdentity, rollupDefinitions, WarehouseIdentities, type AskContext } from '@tidemark/analytics';
import type { StoredEvent } from '@tidemark/event';
import { Rollups } from '@tidemark/jobs';
import { personOf, trend, type IdentityDecision } from '@tidemark/model';
import type { Processor } from '@tidemark/processor';
import { TestPipeline } from '@tidemark/processor/testing';
import type { Warehouse } from '@tidemark/warehouse';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventsOf, HISTORY_MS, rollupHistory, SPAN_MS, type EventSketch, type RollupHistory, type Step } from './histories.ts';

const RUNS = Number(process.env['TIDEMARK_ROLLUP_RUNS'] ?? 2);
const SURE = { doubt: async () => undefined };

interface Answer {
  series: { breakdown: string[]; total: number; points: { time: string; value: number }[] }[];
  meta: { rollups: { buckets: number }; approximate: boolean; sql: string };
}

let pipeline: TestPipeline;
let processor: Processor;
let failsAt: string | undefined;
let named: readonly string[] = [];
beforeAll(async () => {
  pipeline = new TestPipeline();
  await pipeline.open();
  await startProcessor();
});
afterAll(async () => {
  await processor.stop();
  await pipeline.close();
});

async function startProcessor(): Promise<void> {
  processor = await pipeline.processor({
    crashPoint(name) {
      if (name !== failsAt) return;
      failsAt = undefined;
      throw new Error(`failed at ${name}`);
    },
  });
  processor.start();
}

/** A round of the job that dies after so many commands to the warehouse; `before` each of them something may happen. */
async function round(watermarkMs: number, commands = Infinity, before?: (command: number) => Promise<void>): Promise<void> {
  let left = commands;
  let done = 0;
  const { warehouse } = pipeline;
  const mortal = {
    query: (sql: string) => (left > 0 ? warehouse.query(sql) : Promise.reject(new Error('dead'))),
    async command(sql: string) {
      if (left-- <= 0) throw new Error('dead');
      await before?.(done++);
      await warehouse.command(sql);
    },
  } as unknown as Warehouse;
  const writer = { status: () => ({ watermarkMs }), between: <R>(work: () => Promise<R>) => processor.between(work), dirty: processor.dirty };
  // So few values that history has buckets with more.
  const definitionsOf = async () => rollupDefinitions(named).map((each) => ({ ...each, maxValues: 3 }));
  const rollups = new Rollups({ warehouse: mortal, writer, definitionsOf, personsOf: async (project) => personsOfHashes(plainIdentity(project)), clock: SURE, eventsAtATime: 3, coarsenEveryMs: 0 });
  await rollups.job.run().catch((error: unknown) => {
    if (commands === Infinity) throw error;
  });
}

function contextOf(project: string, decisions: RollupHistory['decisions'] = []): AskContext {
  const freshness = { status: () => ({ asOfMs: 0, watermarkMs: 0 }), caughtUp: async () => true };
  const identities = new WarehouseIdentities({ warehouse: pipeline.warehouse, decisionsOf: async () => decisions });
  return { project, warehouse: pipeline.warehouse, clock: Date.now, freshness, identities };
}

const iso = (ms: number) => new Date(ms).toISOString();
const SKETCH: EventSketch = { eventName: 'view', source: 'web', userId: 'ann', anonymousId: '', previousId: '', bot: false, campaign: undefined, item: undefined, escaped: false, country: undefined, atMs: 0 };
let histories = 0;
let buckets = 0;
let byProperty = 0;
let coarser = 0;

async function take(step: Step, project: string, startMs: number, stored: StoredEvent[]): Promise<void> {
  if (step.do === 'round') {
    const { meanwhile } = step;
    return round(startMs + step.watermarkMs, step.commands, async (command) => {
      if (command === meanwhile?.command) await add(meanwhile.events, project, startMs, stored);
    });
  }
  if (step.do === 'name') {
    named = step.properties;
    return;
  }
  if (step.do === 'restart') {
    await processor.stop();
    return startProcessor();
  }
  return add(step.events, project, startMs, stored, step.failsAt);
}

async function add(sketches: readonly EventSketch[], project: string, startMs: number, stored: StoredEvent[], fails?: string): Promise<void> {
  const events = eventsOf(sketches, project, startMs, stored.length);
  stored.push(...events);
  failsAt = fails;
  await pipeline.append(events);
  if (fails !== undefined) {
    while (failsAt !== undefined) await new Promise((resolve) => setTimeout(resolve, 5));
    // Before the range is tried again, a quarter of a second later.
    await round(startMs + SPAN_MS);
  }
  await processor.caughtUp(60_000);
}

it('answer as the events do, and as the model does', async () => {
  await fc.assert(
    fc.asyncProperty(rollupHistory, async ({ steps, decisions, questions }) => {
      const project = `rollups${++histories}`;
      // Lines only rise: each history has days of its own.
      const startMs = Date.UTC(2026, 0, 1) + histories * HISTORY_MS;
      const stored: StoredEvent[] = [];
      named = [];
      const model: IdentityDecision[] = decisions.map(({ verdict, a, b }) => ({ verdict, a: words(a), b: words(b) }));
      for (const step of steps) {
        await take(step, project, startMs, stored);
        const person = personOf(stored, model);
        for (const { fromMs, toMs, ...question } of questions) {
          const range = { fromMs: startMs + fromMs, toMs: startMs + toMs };
          const body = { ...question, from: iso(range.fromMs), to: iso(range.toMs) };
          const context = contextOf(project, decisions);
          const answer = (await ask('trend', body, context)) as unknown as Answer;
          const plain = (await ask('trend', { ...body, rollups: false }, context)) as unknown as Answer;
          buckets += answer.meta.rollups.buckets;
          if (/width = (3600|86400) AND/.test(answer.meta.sql)) coarser++;
          if (/FROM rollup_rows WHERE project = '\w+' AND property = '.+?'/.test(answer.meta.sql)) byProperty += answer.meta.rollups.buckets;
          expect(plain.meta.rollups.buckets).toBe(0);
          const told = `${JSON.stringify(body)}\n${JSON.stringify(steps)}`;
          expect(answer.series, told).toEqual(plain.series);
          const expected = trend(stored, { ...question, ...range } as never, person).flat();
          expect(plain.series.map(({ breakdown, total, points }) => ({ breakdown, total, points: points.map(({ time, value }) => ({ timeMs: Date.parse(time), value })) })), told).toEqual(expected);
        }
      }
    }),
    { numRuns: RUNS, ...(process.env['TIDEMARK_SEED'] === undefined ? {} : { seed: Number(process.env['TIDEMARK_SEED']) }), interruptAfterTimeLimit: 40_000 + RUNS * 2_000 },
  );
  // A few histories may be of times that are not sealed yet.
  if (RUNS > 5) expect(buckets, 'quarters of an hour that were taken from rollups').toBeGreaterThan(0);
  if (RUNS > 5) expect(coarser, 'answers that took some from hours or days').toBeGreaterThan(0);
  if (RUNS > 5) expect(byProperty, 'of them, by a property that the project named').toBeGreaterThan(0);
}, 180_000 + RUNS * 4_000);

it('know texts alone, so numbers and lists are asked of the events', async () => {
  const project = 'typed';
  const startMs = Date.UTC(2026, 0, 1) + ++histories * HISTORY_MS;
  await add([1, [1], '1', ['1'], true, 'x'].map((source) => ({ ...SKETCH, campaign: { source } })), project, startMs, []);
  await round(startMs + SPAN_MS);
  const answered = async (op: string, value: unknown, rollups: boolean) => {
    const where = [{ property: 'context.campaign.source', op, value }];
    const question = { from: iso(startMs), to: iso(startMs + SPAN_MS), rollups, series: [{ where }] };
    const { series, meta } = (await ask('trend', question, contextOf(project))) as unknown as Answer;
    return { total: series[0]?.total, fromRollups: meta.rollups.buckets > 0 };
  };
  const byNumber = [['=', 1], ['>', 0], ['<=', '1'], ['in', [1, 'x']]] as const;
  const byText = [['=', '1'], ['>', 'a'], ['=', true]] as const;
  for (const [op, value, fromRollups] of [...byNumber.map((each) => [...each, false] as const), ...byText.map((each) => [...each, true] as const)]) {
    const { total } = await answered(op, value, false);
    expect([op, value, await answered(op, value, true)]).toEqual([op, value, { total, fromRollups }]);
  }
});

it('count history by a property that is named later, but for quarters where it has too many values', async () => {
  const project = 'named';
  const startMs = Date.UTC(2026, 0, 1) + ++histories * HISTORY_MS;
  const stored: StoredEvent[] = [];
  const items = (quarter: number, ...values: string[]) => values.map((item) => ({ ...SKETCH, item, atMs: quarter * 900_000 }));
  await add([...items(0, 'a', 'b'), ...items(1, 'a', 'b', 'c', 'd'), ...items(2, 'a', 'a')], project, startMs, stored);
  const answered = async () => {
    const question = { from: iso(startMs), to: iso(startMs + SPAN_MS), series: [{ where: [{ property: 'properties.item', op: '=', value: 'a' }] }] };
    const { series, meta } = (await ask('trend', question, contextOf(project))) as unknown as Answer;
    return [series[0]?.total, SPAN_MS / 900_000 - meta.rollups.buckets];
  };
  named = [];
  await round(startMs + SPAN_MS);
  expect(await answered()).toEqual([4, SPAN_MS / 900_000]);
  named = ['properties.item'];
  await round(startMs + SPAN_MS);
  expect(await answered()).toEqual([4, 1]);
  // What was counted by it once, and then was not any more, doesn't count.
  named = [];
  await add(items(2, 'a'), project, startMs, stored);
  await round(startMs + SPAN_MS);
  expect(await answered()).toEqual([5, 2]);
  named = ['properties.item'];
  await round(startMs + SPAN_MS);
  expect(await answered()).toEqual([5, 1]);
});

it('are of hours and days, too, until a quarter of these changes', async () => {
  const project = 'coarser';
  const startMs = Date.UTC(2026, 0, 1) + ++histories * HISTORY_MS;
  const stored: StoredEvent[] = [];
  const answered = async (timezone: string) => {
    const question = { from: iso(startMs), to: iso(startMs + 86_400_000), timezone, granularity: 'day', series: [{ measure: 'users' }] };
    const { series, meta } = (await ask('trend', question, contextOf(project))) as unknown as Answer;
    expect(meta.rollups.buckets).toBe(96);
    return [series[0]?.total, ...['86400', '3600', '900'].filter((width) => meta.sql.includes(`width = ${width} AND (`))];
  };
  named = [];
  await add([{ ...SKETCH, userId: 'ann' }, { ...SKETCH, userId: 'bob', atMs: SPAN_MS }], project, startMs, stored);
  await round(startMs + HISTORY_MS);
  expect([await answered('UTC'), await answered('America/New_York'), await answered('Asia/Kathmandu')]).toEqual([[2, '86400'], [2, '3600'], [2, '3600', '900']]);
  await add([{ ...SKETCH, userId: 'eve', atMs: SPAN_MS }], project, startMs, stored);
  // It dies when the quarter is counted again, before the hour and the day are.
  await round(startMs + HISTORY_MS, 3);
  expect(await answered('UTC')).toEqual([3, '3600', '900']);
  await round(startMs + HISTORY_MS);
  expect(await answered('UTC')).toEqual([3, '86400']);
});

it('tell user x from device x', async () => {
  const project = 'namesakes';
  const startMs = Date.UTC(2026, 0, 1) + ++histories * HISTORY_MS;
  await add([{ ...SKETCH, userId: 'x' }, { ...SKETCH, userId: '', anonymousId: 'x' }], project, startMs, []);
  await round(startMs + SPAN_MS);
  const question = { from: iso(startMs), to: iso(startMs + SPAN_MS), series: [{ measure: 'users' }] };
  const { series, meta } = (await ask('trend', question, contextOf(project))) as unknown as Answer;
  expect([series[0]?.total, meta.rollups.buckets]).toEqual([2, SPAN_MS / 900_000]);
});

it('lose and double nothing that comes while they are made, and by no death', async () => {
  // Before each command of a round: what is read, written, counted on and cleared in between is another one's each time.
  for (let command = 0; command < 3; command++) {
    const project = `directed${command}`;
    const startMs = Date.UTC(2026, 0, 1) + ++histories * HISTORY_MS;
    const stored: StoredEvent[] = [];
    const total = async () => {
      const question = { from: iso(startMs), to: iso(startMs + SPAN_MS), series: [{ measure: 'events' }] };
      return ((await ask('trend', question, contextOf(project))) as unknown as Answer).series[0]?.total;
    };
    await add([SKETCH], project, startMs, stored);
    await round(startMs + SPAN_MS);
    await add([SKETCH], project, startMs, stored);
    await round(startMs + SPAN_MS, Infinity, async (at) => {
      if (at === command) await add([SKETCH], project, startMs, stored);
    });
    expect(await total()).toBe(stored.length);
    await round(startMs + SPAN_MS, command);
    expect(await total()).toBe(stored.length);
    await round(startMs + SPAN_MS);
    expect(await total()).toBe(stored.length);
    // Once more after the marks of an earlier generation are gone.
    await add([SKETCH], project, startMs, stored);
    expect(await total()).toBe(stored.length);
  }
});

function words(key: string): string {
  return `${key.startsWith('u') ? 'user' : 'device'} ${key.slice(1)}`;
}
