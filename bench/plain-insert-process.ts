/**
 * A plain INSERT of events as JSONEachRow, in blocks of 20,000, into typed columns and a JSON column: what somebody
 * would write who has the events as NDJSON and wants to ask questions of them. No timeline, no lake, no deduplication.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ChdbWarehouse, literal } from '@tidemark/warehouse';
import { BatchTemplate } from './generate/events.ts';
import { newFolder } from './server/temporary.ts';

const BLOCK_ROWS = 20_000;
const COLUMNS = `eventId String, eventName LowCardinality(String), userId String, anonymousId String, sessionId String,
  timestamp DateTime64(3, 'UTC'), sequence UInt64, type LowCardinality(String), properties JSON(max_dynamic_paths = 64), context String`;

const folder = newFolder();
const warehouse = await ChdbWarehouse.open({ path: join(folder, 'warehouse') });
let files: string[] = [];

process.on('message', (message: { prepare?: number; insert?: true; stop?: true }) => {
  handle(message).then(
    (answer) => (answer === undefined ? process.exit(0) : process.send?.(answer)),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});

async function handle({ prepare, insert, stop }: { prepare?: number; insert?: true; stop?: true }): Promise<number | undefined> {
  if (prepare !== undefined) {
    files = Array.from({ length: prepare }, (_, file) => writeBlock(file));
    return insertAll(files.slice(0, 2));
  }
  if (insert) return insertAll(files);
  if (stop) {
    await warehouse.close();
    rmSync(folder, { recursive: true, force: true });
  }
  return undefined;
}

/** Rows a second into a fresh table. Throws when it does not hold as many rows afterwards as were inserted. */
async function insertAll(paths: readonly string[]): Promise<number> {
  await warehouse.command('DROP TABLE IF EXISTS plain SYNC');
  await warehouse.command(
    `CREATE TABLE plain (${COLUMNS}) ENGINE = MergeTree ORDER BY (eventName, timestamp) SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`,
  );
  const startedAt = performance.now();
  for (const path of paths) {
    await warehouse.command(
      `INSERT INTO plain SELECT * FROM file(${literal(path)}, 'JSONEachRow', ${literal(COLUMNS)})
       SETTINGS date_time_input_format = 'best_effort', input_format_parallel_parsing = 0`,
    );
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const rows = paths.length * BLOCK_ROWS;
  const counted = (await warehouse.query<{ rows: number }>('SELECT count() AS rows FROM plain')).rows[0]?.rows;
  if (counted !== rows) throw new Error(`the plain table holds ${counted} rows, should be ${rows}`);
  return rows / seconds;
}

function writeBlock(file: number): string {
  const lines: string[] = [];
  for (let batch = 0; batch < BLOCK_ROWS / 50; batch++) {
    const body = new BatchTemplate((file * BLOCK_ROWS) / 50 + batch, 50).fill(Date.now()).toString();
    for (const event of (JSON.parse(body) as { events: unknown[] }).events) lines.push(JSON.stringify(event));
  }
  const path = join(folder, `${file}.ndjson`);
  writeFileSync(path, lines.join('\n'));
  return path;
}
