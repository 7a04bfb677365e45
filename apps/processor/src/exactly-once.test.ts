/**
 * Whatever happens in whatever order (copies, broken rows, deaths at every step, faults before and after any statement,
 * lost positions, compaction of the lake), in the end the stores and the balance are those of a plain model.
 * fast-check prints the seed and the history of a failing run; `TIDEMARK_PROPERTY_RUNS=200` runs longer.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { StoredEvent } from '@tidemark/event';
import { compactLake, Lake } from '@tidemark/lake';
import type { ProcessorParts } from './processor.ts';
import { storedEvent, TestPipeline } from './testing.ts';

const RUNS = Number(process.env['TIDEMARK_PROPERTY_RUNS'] ?? 5);

interface Sent {
  project: string;
  eventId: string;
  variant: number;
  broken: boolean;
}

type Step =
  | { do: 'append'; events: Sent[] }
  | { do: 'run'; compacting: boolean }
  | { do: 'die'; at: NonNullable<Parameters<NonNullable<ProcessorParts['crashPoint']>>[0]> }
  /** The statement of this number since the start fails, before or after it has done its work. */
  | { do: 'fault'; statement: number; after: boolean }
  | { do: 'lose positions' }
  | { do: 'compact' }
  | { do: 'reopen lake' };

const sent: fc.Arbitrary<Sent> = fc.record({
  project: fc.constantFrom('p1', 'p2'),
  eventId: fc.integer({ min: 0, max: 14 }).map((id) => `e${id}`),
  variant: fc.nat(2),
  broken: fc.integer({ min: 0, max: 9 }).map((of) => of === 0),
});
const append = fc.record({ do: fc.constant('append' as const), events: fc.array(sent, { minLength: 1, maxLength: 12 }) });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: append },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('run' as const), compacting: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('die' as const), at: fc.constantFrom('planned' as const, 'refused' as const, 'applied' as const, 'quarantined' as const, 'counted' as const, 'committed' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('fault' as const), statement: fc.nat(12), after: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ do: 'lose positions' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'compact' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'reopen lake' as const }) },
);

function eventOf({ project, eventId, variant, broken }: Sent): StoredEvent {
  const properties = broken ? `{broken ${variant}` : `{"n":${variant}}`;
  return storedEvent(eventId, { project, properties, timeMs: Date.UTC(2026, Number(eventId.slice(1)) % 3, 10, variant) });
}

/** What must come out: the first good copy of each id is stored, broken ones before it are refused, the rest are copies. */
function model(history: readonly Sent[]) {
  const stored = new Map<string, Sent>();
  const refused: number[] = [];
  let [duplicate, conflict] = [0, 0];
  for (const [offset, event] of history.entries()) {
    const key = `${event.project}\0${event.eventId}`;
    const first = stored.get(key);
    if (first !== undefined) {
      duplicate++;
      if (first.variant !== event.variant || event.broken) conflict++;
    } else if (event.broken) refused.push(offset);
    else stored.set(key, event);
  }
  const rows = [...stored.values()].map((event) => rowText(eventOf(event))).toSorted();
  const counts = { stored: rows.length, duplicate, conflict, quarantined: refused.length };
  return { rows, refused, balance: { received: history.length, ...counts, filtered: 0, rejected: 0, pending: 0, difference: 0 } };
}

const rowText = (event: StoredEvent) => `${event.project} ${event.eventId} ${event.timeMs} ${event.properties}`;

class Scenario {
  readonly pipeline = new TestPipeline();
  readonly history: Sent[] = [];
  /** Asked before each statement while a processor runs. */
  #fault: (() => 'before' | 'after' | undefined) | undefined;

  async open(): Promise<void> {
    await this.pipeline.open();
    const { warehouse } = this.pipeline;
    const command = warehouse.command.bind(warehouse);
    warehouse.command = async (sql) => {
      const fault = this.#fault?.();
      if (fault === 'before') throw new Error(`fault before ${sql}`);
      await command(sql);
      if (fault === 'after') throw new Error(`fault after ${sql}`);
    };
  }

  async take(step: Step): Promise<void> {
    const { pipeline } = this;
    switch (step.do) {
      case 'append':
        this.history.push(...step.events);
        return pipeline.append(step.events.map(eventOf));
      case 'run':
        await Promise.all([this.run(), step.compacting ? compactLake(pipeline.lake, pipeline.warehouse) : undefined]);
        return;
      case 'die':
        return this.run({
          crashPoint: (name) => {
            if (name === step.at) throw new Error(`died when ${name}`);
          },
        });
      case 'fault': {
        let statement = 0;
        await this.run({}, () => (statement++ === step.statement ? (step.after ? 'after' : 'before') : undefined));
        return;
      }
      case 'lose positions':
        return pipeline.losePositions();
      case 'compact':
        await compactLake(pipeline.lake, pipeline.warehouse);
        return;
      case 'reopen lake':
        pipeline.lake.close();
        pipeline.lake = await Lake.open(pipeline.lake.folder, pipeline.warehouse);
    }
  }

  /** A new processor, until it has caught up or something in it fails: then it is dead. */
  async run(options: Partial<ProcessorParts> = {}, fault?: () => 'before' | 'after' | undefined): Promise<void> {
    let dead = false;
    const processor = await this.pipeline.processor({
      ...options,
      observer: { committed: () => {}, wrote: () => {}, failed: () => ((dead = true), void processor.stop()) },
    });
    this.#fault = fault;
    processor.start();
    while (!dead && !(await processor.caughtUp(20))) continue;
    await processor.stop();
    this.#fault = undefined;
  }

  async rows(source: string): Promise<string[]> {
    const { rows } = await this.pipeline.warehouse.query<{ row: string }>(
      `SELECT concat(project, ' ', event_id, ' ', toString(toUnixTimestamp64Milli(time)), ' ', toString(properties)) AS row
       FROM ${source} ORDER BY row SETTINGS use_hive_partitioning = 0`,
    );
    return rows.map(({ row }) => row);
  }

  async lakeRows(): Promise<string[]> {
    const rows: string[] = [];
    const { lake } = this.pipeline;
    for (const { path } of lake.manifest.files) rows.push(...(await this.rows(`file('${lake.folder}/${path}', 'Parquet')`)));
    return rows.toSorted();
  }
}

it(`X1-X4, X6, A1: ${RUNS} random histories end as a plain model says`, async () => {
  await fc.assert(
    fc.asyncProperty(append, fc.array(step, { minLength: 3, maxLength: 9 }), async (first, steps) => {
      const scenario = new Scenario();
      await scenario.open();
      try {
        for (const step of [first, ...steps]) await scenario.take(step);
        await scenario.run();
        const { pipeline, history } = scenario;
        const expected = model(history);
        expect(await scenario.rows('timeline'), 'timeline').toEqual(expected.rows);
        expect(await scenario.rows('events'), 'events').toEqual(expected.rows);
        expect(await scenario.lakeRows(), 'lake').toEqual(expected.rows);
        const { rows: ids } = await pipeline.warehouse.query<{ ids: number; keys: number }>('SELECT count() AS ids, uniqExact(key) AS keys FROM event_ids');
        expect(ids[0], 'ids').toEqual({ ids: expected.rows.length, keys: expected.rows.length });
        const { rows: refused } = await pipeline.warehouse.query<{ offset: number }>('SELECT offset FROM quarantine ORDER BY offset');
        expect(refused.map(({ offset }) => offset), 'quarantine').toEqual(expected.refused);
        // As after a restart: the sums come from the stores.
        expect(await (await pipeline.processor()).balance(), 'balance').toEqual(expected.balance);
      } finally {
        await scenario.pipeline.close();
      }
    }),
    { numRuns: RUNS, endOnFailure: process.env['TIDEMARK_SHRINK'] === undefined },
  );
}, 180_000 + RUNS * 20_000);
