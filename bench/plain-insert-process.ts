/**
 * A plain INSERT of events as JSONEachRow, in blocks of 20,000, into typed columns and a JSON column: what somebody
 * would write who has the events as NDJSON and wants to ask questions of them. No timeline, no lake, no deduplication.
 * It speaks to chDB by itself, so that nothing we change in our own way of doing so moves it.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Session as ChdbSession } from 'chdb';
import type { PlainInsertOrder } from './baselines/plain-insert.ts';
import { BatchTemplate } from './generate/events.ts';

const { Session } = createRequire(import.meta.url)('chdb') as typeof import('chdb');

const BLOCK_ROWS = 20_000;
const COLUMNS = `eventId String, eventName LowCardinality(String), userId String, anonymousId String, sessionId String,
  timestamp DateTime64(3, 'UTC'), sequence UInt64, type LowCardinality(String), properties JSON(max_dynamic_paths = 64), context String`;
/** As many threads for merges as there are cores here; its defaults are for large machines. */
const CONFIG = '<clickhouse><background_pool_size>2</background_pool_size><background_merges_mutations_concurrency_ratio>1</background_merges_mutations_concurrency_ratio></clickhouse>\n';

let session: ChdbSession;
let files: string[] = [];
let tables = 0;

process.on('message', (order: PlainInsertOrder) => {
  obey(order).then(
    (answer) => (answer === undefined ? process.exit(0) : process.send?.(answer)),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});

async function obey(order: PlainInsertOrder): Promise<number | undefined> {
  if (order === 'insert') return insertAll(files);
  if (order === 'stop') {
    session.close();
    return undefined;
  }
  const { folder, prepareBlocks } = order;
  mkdirSync(join(folder, 'data'));
  writeFileSync(join(folder, 'config.xml'), CONFIG);
  session = new Session(join(folder, 'data'), { connectionArgs: [`--config-file=${join(folder, 'config.xml')}`] });
  await session.queryAsync('CREATE DATABASE plain');
  files = Array.from({ length: prepareBlocks }, (_, file) => writeBlock(folder, file));
  return insertAll(files.slice(0, 2));
}

/** Rows a second into a fresh table. Throws when it does not hold as many rows afterwards as were inserted. */
async function insertAll(paths: readonly string[]): Promise<number> {
  const table = `plain.events_${++tables}`;
  await session.queryAsync(`CREATE TABLE ${table} (${COLUMNS}) ENGINE = MergeTree ORDER BY (eventName, timestamp) SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`);
  const startedAt = performance.now();
  for (const path of paths) {
    await session.queryAsync(
      `INSERT INTO ${table} SELECT * FROM file('${path}', 'JSONEachRow', '${COLUMNS.replaceAll("'", "\\'")}')
       SETTINGS date_time_input_format = 'best_effort', input_format_parallel_parsing = 0`,
    );
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const rows = paths.length * BLOCK_ROWS;
  const counted = Number((await session.queryAsync(`SELECT count() FROM ${table}`, { format: 'TSV' })).text());
  if (counted !== rows) throw new Error(`the plain table holds ${counted} rows, should be ${rows}`);
  await session.queryAsync(`DROP TABLE ${table} SYNC`);
  return rows / seconds;
}

function writeBlock(folder: string, file: number): string {
  const lines: string[] = [];
  for (let batch = 0; batch < BLOCK_ROWS / 50; batch++) {
    const body = new BatchTemplate((file * BLOCK_ROWS) / 50 + batch, 50).fill(Date.now()).toString();
    for (const event of (JSON.parse(body) as { events: unknown[] }).events) lines.push(JSON.stringify(event));
  }
  const path = join(folder, `${file}.ndjson`);
  writeFileSync(path, lines.join('\n'));
  return path;
}
