/**
 * The lake that a store would have: Parquet files made by SQL of its table `events`, as compaction leaves them. By day, sorted within,
 * of somewhat more rows than a range of full load brings (33,000), which is what SQL questions read file by file. The text of properties is what the engine
 * makes of its JSON column: other spaces and another order of keys than what was sent, the same values.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Lake, type LakeFile } from '@tidemark/lake';
import { ChdbWarehouse, LAKE_COLUMNS, literal, migrateWarehouse, timeLiteral } from '@tidemark/warehouse';
import type { VisitsPlan } from './visits.ts';

const DAY_MS = 86_400_000;
const ROWS_A_FILE = 50_000;
/** Days that are written side by side. */
const AT_ONCE = 2;

export interface LakeOrder {
  dataPath: string;
  plan: VisitsPlan;
}

/** Adds the files to the lake of a folder that nobody else has open. Throws when they don't hold every event once. */
export async function makeLake({ dataPath, plan }: LakeOrder): Promise<void> {
  const warehouse = await ChdbWarehouse.open({ path: join(dataPath, 'warehouse'), maxMemoryBytes: 8 * 2 ** 30, connections: AT_ONCE });
  await migrateWarehouse(warehouse);
  const lake = await Lake.open(join(dataPath, 'lake'), warehouse);
  const days = Array.from({ length: plan.days }, (_, day) => plan.endMs - (plan.days - day) * DAY_MS);
  const writeNext = async (): Promise<void> => {
    for (let fromMs = days.shift(); fromMs !== undefined; fromMs = days.shift()) await warehouse.command(writeDay(lake.folder, plan, fromMs));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, writeNext));
  const files = await writtenFiles(lake.folder, warehouse, plan);
  const rows = files.reduce((sum, file) => sum + file.rows, 0);
  if (rows !== plan.events) throw new Error(`the files of the lake hold ${rows} events, should be ${plan.events}`);
  lake.manifest.change({ add: files, remove: [] });
  lake.close();
  await warehouse.close();
}

/** INSERT of a day's events into files of its folder. */
export function writeDay(folder: string, plan: VisitsPlan, fromMs: number): string {
  const perDay = Math.ceil(plan.events / plan.days);
  const slices = Math.ceil(perDay / ROWS_A_FILE);
  // A log's order, as far as a day's events have one.
  const slice = `intDiv(offset % ${perDay} * ${slices}, ${perDay})`;
  return `INSERT INTO FUNCTION file(${literal(`${folder}/{_partition_id}.parquet`)}, 'Parquet')
    PARTITION BY concat(formatDateTime(time, 'date=%Y-%m-%d/hour=all/'), toString(${slice}))
    SELECT ${LAKE_COLUMNS.map(([column]) => `${MADE[column] ?? column} AS ${column}`).join(', ')}, toString(epoch) AS epoch, partition, offset
    FROM (SELECT * REPLACE (${TEXTS.map((column) => `toString(${column}) AS ${column}`).join(', ')}) FROM events
      WHERE project = ${literal(plan.project)} AND time >= ${timeLiteral(fromMs)} AND time < ${timeLiteral(fromMs + DAY_MS)})
    ORDER BY project, event_name, time
    SETTINGS output_format_parquet_compression_method = 'zstd', max_partitions_per_insert_block = 0, max_threads = 1`;
}

/** What the table has in another form. */
const MADE: Readonly<Record<string, string>> = { properties: 'toJSONString(properties)', key: "MD5(concat(project, '\\0', event_id))", content: 'toUInt32(0)' };
/** LowCardinality in the table, plain texts in the lake. */
const TEXTS = [
  'project', 'event_name', 'type', 'source', 'schema_version', 'country', 'os', 'browser', 'device_type', 'channel', 'campaign_source', 'campaign_medium', 'campaign_name',
  'referrer_host', 'app_version', 'locale',
];

async function writtenFiles(folder: string, warehouse: ChdbWarehouse, { events }: VisitsPlan): Promise<LakeFile[]> {
  const { rows } = await warehouse.query<{ found: string; rows: number; fromMs: number; toMs: number }>(
    `SELECT _path AS found, count() AS rows, toUnixTimestamp64Milli(min(time)) AS fromMs, toUnixTimestamp64Milli(max(time)) AS toMs
     FROM file(${literal(`${folder}/date=*/*/*.parquet`)}, 'Parquet') GROUP BY _path ORDER BY _path SETTINGS use_hive_partitioning = 0`,
  );
  // Each has rows from all over its day, so what it says of the log is what all of them hold together, as after a compaction.
  const ranges = [{ epoch: 'bench', partition: 0, from: 0, to: events }];
  return Promise.all(rows.map(async ({ found, ...facts }) => ({ path: found.slice(found.lastIndexOf('/date=') + 1), bytes: (await stat(found)).size, ranges, ...facts })));
}
