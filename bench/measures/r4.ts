import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ChdbWarehouse, literal, migrateWarehouse } from '@tidemark/warehouse';
import { BatchTemplate } from '../events.ts';
import { ask, generate, newDataFolder, startServer, WRITE_KEY } from '../processes.ts';
import { spread, type Measure } from '../report.ts';

const SECONDS = 12;
const ROUNDS = Number(process.env['TIDEMARK_BENCH_ROUNDS'] ?? 1);
/** Ids already in the dedup store. The measure's own number is 50 million; fewer make a quicker, easier run. */
const IDS = Number(process.env['TIDEMARK_BENCH_IDS'] ?? 5_000_000);
const PLAIN_ROWS = 200_000;

/** R4: events/s from HTTP to deduplicated and queryable, against chDB's own INSERT of the same events as JSONEachRow. */
export async function r4(): Promise<Measure> {
  const plain = await plainInsert();
  const ours: number[] = [];
  const accepts: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // A first start makes the folder; its ids are put in between.
    const { dataPath, stop } = await startServer(newDataFolder(), true);
    await stop();
    await seedIds(dataPath);
    const server = await startServer(dataPath);
    const plan = { port: server.port, path: '/api/events/batch', writeKey: WRITE_KEY, connections: 16, eventsPerBatch: 50 };
    const warmup = await generate({ ...plan, seconds: 2 });
    await allStored(server.port, warmup.accepted);
    const startedAt = performance.now();
    const { accepted, eventsPerSecond } = await generate({ ...plan, seconds: SECONDS });
    await allStored(server.port, warmup.accepted + accepted);
    ours.push(accepted / ((performance.now() - startedAt) / 1000));
    accepts.push(eventsPerSecond);
    await server.stop();
  }
  return {
    id: 'R4',
    what: `events/s from HTTP to deduplicated and queryable (${IDS.toLocaleString('en')} ids in the dedup store) against chDB INSERT JSONEachRow`,
    floor: '>= 0.20',
    goal: '>= 0.65',
    value: spread(ours.map((value) => value / plain)),
    unit: 'ratio',
    details: { oursEventsPerSecond: spread(ours), acceptedPerSecondMeanwhile: spread(accepts), plainInsertRowsPerSecond: plain },
  };
}

/** Waits until the warehouse counts exactly what was accepted; more is a doubled event, fewer in the end a lost one. */
export async function allStored(port: number, expected: number, withinMs = 120_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const { balance } = await ask<{ balance: { stored: number; pending: number; difference: number } }>(port, '/api/pipeline');
    if (balance.difference !== 0) throw new Error(`the balance is off: ${JSON.stringify(balance)}`);
    if (balance.pending === 0) {
      const { series } = await ask<{ series: { total: number }[] }>(port, '/api/analytics/trend', {
        series: [{ measure: 'events' }],
        from: '-1d',
        to: new Date(Date.now() + 86_400_000).toISOString(),
        granularity: 'day',
        includeBots: true,
      });
      if (series[0]?.total !== expected) throw new Error(`accepted ${expected} events, stored ${series[0]?.total}`);
      return;
    }
    if (performance.now() > deadline) throw new Error(`still ${balance.pending} events pending`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function seedIds(dataPath: string): Promise<void> {
  const warehouse = await ChdbWarehouse.open({ path: join(dataPath, 'warehouse') });
  await migrateWarehouse(warehouse);
  for (let from = 0; from < IDS; from += 5_000_000) {
    await warehouse.command(
      `INSERT INTO event_ids (key, content, epoch, partition, offset, received_at)
       SELECT randomFixedString(16), 0, 'seeded', 0, number, now() FROM numbers(${from}, ${Math.min(5_000_000, IDS - from)})`,
    );
  }
  await warehouse.close();
}

/** Rows/s of a plain INSERT of the same events as JSONEachRow, in blocks of 20,000, typed columns and a JSON column. */
async function plainInsert(): Promise<number> {
  const dataPath = newDataFolder();
  const warehouse = await ChdbWarehouse.open({ path: dataPath });
  await warehouse.command(
    `CREATE TABLE plain (eventId String, eventName LowCardinality(String), userId String, anonymousId String, sessionId String,
       timestamp DateTime64(3, 'UTC'), sequence UInt64, type LowCardinality(String), properties JSON(max_dynamic_paths = 64), context String)
     ENGINE = MergeTree ORDER BY (eventName, timestamp) SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`,
  );
  const files: string[] = [];
  for (let file = 0; file < PLAIN_ROWS / 20_000; file++) {
    const lines: string[] = [];
    for (let seed = 0; seed < 400; seed++) {
      const body = new BatchTemplate(file * 400 + seed, 50).fill(Date.now()).toString();
      for (const event of (JSON.parse(body) as { events: unknown[] }).events) lines.push(JSON.stringify(event));
    }
    const path = join(dataPath, `${file}.ndjson`);
    writeFileSync(path, lines.join('\n'));
    files.push(path);
  }
  const startedAt = performance.now();
  for (const path of files) {
    await warehouse.command(
      `INSERT INTO plain SELECT * FROM file(${literal(path)}, 'JSONEachRow',
         'eventId String, eventName String, userId String, anonymousId String, sessionId String, timestamp DateTime64(3, \\'UTC\\'),
          sequence UInt64, type String, properties JSON(max_dynamic_paths = 64), context String')
       SETTINGS date_time_input_format = 'best_effort', input_format_parallel_parsing = 0`,
    );
  }
  const rate = PLAIN_ROWS / ((performance.now() - startedAt) / 1000);
  await warehouse.close();
  rmSync(dataPath, { recursive: true, force: true });
  return rate;
}
