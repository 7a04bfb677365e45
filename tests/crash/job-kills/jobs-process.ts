/**
 * The destructive jobs and compaction over a small folder, in a process that may kill itself at a step. At the end it
 * writes what all stores hold, and which steps it passed.
 *
 *   jobs-process <folder> prepare
 *   jobs-process <folder> <where the facts go> [step to die at]
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openControl } from '@tidemark/control';
import { RowWriter, type StoredEvent } from '@tidemark/event';
import { idExpiry, JobScheduler, lakeCompaction, quarantineExpiry, retention } from '@tidemark/jobs';
import { Lake } from '@tidemark/lake';
import { LmdbLogReader, LmdbLogWriter, LmdbPositions, type Frames } from '@tidemark/log';
import { Processor } from '@tidemark/processor';
import { ChdbWarehouse, literal, migrateWarehouse } from '@tidemark/warehouse';
import { Steps, type StepName } from '../crash-points/steps.ts';

export interface JobFacts {
  /** Every row of every store as JSON, ordered. */
  stores: Record<string, string[]>;
  errors: string[];
  steps: StepName[];
}

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 4, 20, 12);
const [folder = '', factsPath = '', deadly] = process.argv.slice(2);

const warehouse = await ChdbWarehouse.open({ path: join(folder, 'warehouse') });
await migrateWarehouse(warehouse);
const lake = await Lake.open(join(folder, 'lake'), warehouse);
if (factsPath === 'prepare') await prepare();
else await runJobs();
lake.close();
await warehouse.close();
process.exit(0);

async function runJobs(): Promise<void> {
  const control = await openControl(join(folder, 'control.db'));
  const steps = new Steps(deadly);
  steps.watch({ warehouse, lake, positions: { set: async () => {} } as never });
  const end = control.jobs.end.bind(control.jobs);
  control.jobs.end = (round) => steps.around(`end of ${round.name}`, () => end(round));
  // Of `kept` all, of `cut` 30 days.
  const settings = {
    list: async () => [{ id: 'kept' }, { id: 'cut' }],
    retentionDays: async (project: string) => (project === 'cut' ? 30 : null),
    quarantineDays: async (project: string) => (project === 'cut' ? 30 : null),
  };
  const parts = { warehouse, lake, settings, clock: { doubt: async () => undefined }, confirmations: control.jobs, nowMs: () => NOW_MS };
  const errors: string[] = [];
  const jobs = [retention(parts), lakeCompaction(lake, warehouse), quarantineExpiry(parts), idExpiry(parts)];
  const scheduler = new JobScheduler(jobs, { records: control.jobs, leaseMs: 300, onError: (job, error) => errors.push(`${job}: ${error instanceof Error ? error.message : String(error)}`) });
  for (const { name } of jobs) while ((await scheduler.runNow(name)) === 'elsewhere') await new Promise((resolve) => setTimeout(resolve, 50));
  await scheduler.stop();
  const facts: JobFacts = { stores: await contents(), errors, steps: steps.passed };
  writeFileSync(factsPath, JSON.stringify(facts));
  await control.close();
}

async function contents(): Promise<Record<string, string[]>> {
  const rowsOf = async (from: string): Promise<string[]> => {
    const { rows } = await warehouse.query<object>(`SELECT * FROM ${from} SETTINGS use_hive_partitioning = 0`);
    return rows.map((row) => JSON.stringify(row)).toSorted();
  };
  const stores: Record<string, string[]> = {};
  for (const table of ['events', 'timeline', 'quarantine', 'outcomes']) stores[table] = await rowsOf(table);
  stores['event_ids'] = await rowsOf('(SELECT hex(key) AS id, * EXCEPT key FROM event_ids)');
  stores['lake'] = [];
  for (const { path } of lake.manifest.files) stores['lake'].push(...(await rowsOf(`(SELECT hex(key) AS id, * EXCEPT key FROM file(${literal(join(folder, 'lake', path))}, 'Parquet'))`)));
  stores['lake'].sort();
  return stores;
}

/** Events and quarantined items of two projects, 5 to 80 days old; a part of the lake is split, a part has just landed. */
async function prepare(): Promise<void> {
  const writer = await LmdbLogWriter.open(join(folder, 'log'), () => NOW_MS - DAY_MS);
  const reader = LmdbLogReader.open(join(folder, 'log'))!;
  const positions = new LmdbPositions(join(folder, 'positions'));
  const processor = await Processor.open({ reader, positions, warehouse, lake, temporaryFolder: warehouse.temporaryFolder, nowMs: () => NOW_MS, version: 'test', lingerMs: 0 });
  processor.start();
  const settled = async () => {
    while ((await processor.balance()).pending > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  const events = ['kept', 'cut'].flatMap((project) => [5, 10, 25, 29, 31, 35, 50, 80].map((days) => event(project, days)));
  await append(writer, events.filter((_, index) => index % 2 === 0));
  await settled();
  await lakeCompaction(lake, warehouse).run();
  await append(writer, events.filter((_, index) => index % 2 === 1));
  await settled();
  for (const days of [50, 70]) await warehouse.command(`INSERT INTO event_ids (key, received_at) SELECT unhex(repeat('${days}', 16)), toDateTime(${(NOW_MS - days * DAY_MS) / 1000})`);
  await processor.stop();
  await reader.close();
  await writer.close();
  await positions.close();
}

async function append(writer: LmdbLogWriter, events: readonly StoredEvent[]): Promise<void> {
  const receivedAtMs = writer.stamp();
  const rows = new RowWriter();
  for (const each of events) rows.writeFramed({ ...each, receivedAtMs });
  const frames: Frames[] = [{ topic: 'events', partition: 0, count: events.length, bytes: rows.take() }, ...events.map(({ project, timeMs }) => item(project, timeMs))];
  const receipts = ['kept', 'cut'].map((project) => ({ project, source: 'web', minuteMs: receivedAtMs - (receivedAtMs % 60_000), received: 2 * events.filter((each) => each.project === project).length }));
  await writer.append(frames, receipts, receivedAtMs);
}

function item(project: string, receivedAtMs: number): Frames {
  const json = Buffer.from(JSON.stringify({ kind: 'item', project, source: 'web', receivedAtMs, code: 'wrong_type', detail: 'No.', faults: [], eventId: `q${receivedAtMs}`, eventName: '', original: '{"a":1}', encoding: 'utf8' }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  return { topic: 'quarantine', partition: 0, count: 1, bytes: Buffer.concat([length, json]) };
}

function event(project: string, days: number): StoredEvent {
  const timeMs = NOW_MS - days * DAY_MS;
  const none = { sessionId: '', groupId: '', previousId: '', schemaVersion: '', country: '', os: '', browser: '', deviceType: '', channel: '', campaignSource: '', campaignMedium: '', campaignName: '', referrerHost: '', pagePath: '', appVersion: '', locale: '' };
  return {
    ...none, project, source: 'web', eventId: `${project}-${days}`, eventName: 'click', type: 'track', userId: 'u1', anonymousId: '', sequence: 0, timeMs, originalTimeMs: timeMs, receivedAtMs: 0,
    bot: false, flags: 1, properties: `{"days":${days}}`, context: '{}', traits: '{}',
  };
}
