/**
 * A round of the job `rollups` and the freezing that retention asks of it, in a process that may kill itself at a step.
 *
 *   rollups-process <folder> prepare
 *   rollups-process <folder> <where the facts go> [step to die at]
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask, personsOfHashes, plainIdentity, rollupDefinitions } from '@tidemark/analytics';
import type { StoredEvent } from '@tidemark/event';
import { Rollups } from '@tidemark/jobs';
import { Lake } from '@tidemark/lake';
import { LmdbLogReader, LmdbLogWriter, LmdbPositions } from '@tidemark/log';
import { Processor } from '@tidemark/processor';
import { eventFrames, storedEvent } from '@tidemark/processor/testing';
import { ChdbWarehouse, migrateWarehouse } from '@tidemark/warehouse';
import { Steps, type StepName } from '../crash-points/steps.ts';

export interface RollupFacts {
  /** The rows that count, without their versions, as JSON, ordered. */
  rows: string[];
  /** Totals of trends, from rollups and from events. */
  totals: [rollups: unknown, events: unknown][];
  steps: StepName[];
}

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 4, 1);
/** Before it the project's events are to expire. */
const EXPIRED_MS = START_MS + 2 * HOUR_MS;
const [folder = '', factsPath = '', deadly] = process.argv.slice(2);

const warehouse = await ChdbWarehouse.open({ path: join(folder, 'warehouse') });
await migrateWarehouse(warehouse);
const lake = await Lake.open(join(folder, 'lake'), warehouse);
const writer = await LmdbLogWriter.open(join(folder, 'log'), Date.now);
const reader = LmdbLogReader.open(join(folder, 'log'))!;
const positions = new LmdbPositions(join(folder, 'positions'));
const processor = await Processor.open({ reader, positions, warehouse, lake, temporaryFolder: warehouse.temporaryFolder, nowMs: Date.now, version: 'test', lingerMs: 0 });
processor.start();
if (factsPath === 'prepare') await prepare();
else await roll();
await processor.stop();
await reader.close();
await writer.close();
await positions.close();
lake.close();
await warehouse.close();
process.exit(0);

function job(properties: readonly string[], watermarkMs: number): Rollups {
  const ours = { status: () => ({ watermarkMs }), between: <R>(work: () => Promise<R>) => processor.between(work), dirty: processor.dirty };
  const personsOf = async (project: string) => personsOfHashes(plainIdentity(project));
  return new Rollups({ warehouse, writer: ours, definitionsOf: async () => rollupDefinitions(properties), personsOf, clock: { doubt: async () => undefined }, coarsenEveryMs: 0 });
}

/** Two quarters with 600 devices each are rolled up, and the hours and the day made; then events come late. */
async function prepare(): Promise<void> {
  const visits = Array.from({ length: 1_200 }, (_, i) => event(i, (i % 2) * 900_000));
  await append([...visits, event(0, 5 * HOUR_MS), event(1, 25 * HOUR_MS)]);
  await job([], START_MS + 30 * HOUR_MS).job.run();
  await append([event(2, 0), event(3, 5 * HOUR_MS), event(4, 6 * HOUR_MS), event(5, 31 * HOUR_MS)]);
}

async function roll(): Promise<void> {
  const steps = new Steps(deadly);
  steps.watch({ warehouse, lake, positions: { set: async () => {} } as never });
  const rollups = job(['properties.item'], START_MS + 40 * HOUR_MS);
  await rollups.freeze('p1', EXPIRED_MS);
  await rollups.job.run();
  const { rows } = await warehouse.query<object>(
    `SELECT * EXCEPT (version, actors, sketch), arraySort(actors) AS actors, finalizeAggregation(sketch) AS sketched FROM rollup_rows
     WHERE (property, width, time, version) IN (SELECT property, width, time, max(version) FROM rollup_buckets GROUP BY property, width, time)`,
  );
  const totals: RollupFacts['totals'] = [];
  for (const measure of ['events', 'users']) {
    for (const where of [[], [{ property: 'properties.item', op: '=', value: 'a' }]]) totals.push([await total(measure, where, true), await total(measure, where, false)]);
  }
  const facts: RollupFacts = { rows: rows.map((row) => JSON.stringify(row)).toSorted(), totals, steps: steps.passed };
  writeFileSync(factsPath, JSON.stringify(facts));
}

/** Of what is not frozen: the whole of it is to come from rollups. */
async function total(measure: string, where: readonly object[], rollups: boolean): Promise<unknown> {
  const freshness = { status: () => ({ asOfMs: 0, watermarkMs: 0 }), caughtUp: async () => true };
  const question = { from: new Date(EXPIRED_MS).toISOString(), to: new Date(START_MS + 40 * HOUR_MS).toISOString(), rollups, series: [{ measure, where }] };
  const { series, meta } = (await ask('trend', question, { project: 'p1', warehouse, clock: Date.now, freshness })) as unknown as { series: { total: number }[]; meta: { rollups: { buckets: number } } };
  return rollups && meta.rollups.buckets !== 38 * 4 ? `only ${meta.rollups.buckets} quarters from rollups` : series[0]?.total;
}

async function append(events: readonly StoredEvent[]): Promise<void> {
  const receivedAtMs = writer.stamp();
  const receipts = [{ project: 'p1', source: 'web', minuteMs: receivedAtMs - (receivedAtMs % 60_000), received: events.length }];
  await writer.append([eventFrames(events.map((each) => ({ ...each, receivedAtMs })))], receipts, receivedAtMs);
  await processor.caughtUp(20_000);
}

function event(device: number, atMs: number): StoredEvent {
  return storedEvent(`${device}-${atMs}`, { userId: '', anonymousId: `d${device}`, timeMs: START_MS + atMs, originalTimeMs: START_MS + atMs, properties: `{"item":"${device % 3 === 0 ? 'a' : 'b'}"}` });
}
