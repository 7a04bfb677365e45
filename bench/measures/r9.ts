import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { stat } from 'node:fs/promises';
import { literal } from '@tidemark/warehouse';
import { BatchTemplate } from '../generate/events.ts';
import { checkStores, Ledger } from '../oracle/counts.ts';
import { EVENTS_PER_BATCH, knob } from '../options.ts';
import { runSql } from '../prepare/sql.ts';
import { spread, type Measure } from '../report/measure.ts';
import { quiet } from '../resources/quiet.ts';
import { Server } from '../server/server.ts';
import { newFolder, removeFolder } from '../server/temporary.ts';
import { endToEnd } from './end-to-end.ts';
import { entry } from './catalogue.ts';

const OWN_EVENTS = 600_000;
/** How long nothing may move until merges are taken as settled. */
const SETTLED_MS = 4_000;
const SETTLE_AT_MOST_MS = 60_000;

/**
 * R9: bytes on disk of an event in the warehouse against zstd -3 of the same events as NDJSON, once merges have settled
 * by themselves; and the sum of all copies that we keep of it, the lake's files compacted.
 */
export async function r9(): Promise<Measure[]> {
  const events = knob('TIDEMARK_BENCH_EVENTS', OWN_EVENTS);
  const server = await Server.start();
  const ledger = new Ledger();
  await endToEnd(server, ledger, { seconds: 600, events, varied: true });
  await quiet(server.processes(), SETTLE_AT_MOST_MS, SETTLED_MS);
  // What has landed is compressed to be written again soon: not what lasts.
  await server.api.run('lake-compaction');
  await checkStores(server, ledger);
  const { disk } = await server.api.pipeline();
  await server.stop();
  const perEvent = (bytes: number): number => bytes / ledger.unique;
  const tables = Object.fromEntries(disk.tables.map(({ table, bytes }) => [table, perEvent(bytes)]));
  const stores = Object.fromEntries(Object.entries(disk.stores).map(([store, bytes]) => [store, perEvent(bytes)]));
  const copies = Object.values(tables).reduce((sum, each) => sum + each, 0) + (stores['lake'] ?? 0);
  const ndjson = await compressedNdjson(events);
  const details = { events: ledger.unique, bytesAnEvent: { ndjson: ndjson.plain, ndjsonZstd3: ndjson.compressed, tables, folders: stores } };
  return [
    {
      ...entry('R9'),
      what: `bytes on disk an event in the table events (${tables['events']?.toFixed(1)}) against zstd -3 of the NDJSON (${ndjson.compressed.toFixed(1)})`,
      value: spread([(tables['events'] ?? 0) / ndjson.compressed]),
      details,
    },
    {
      ...entry('R9b'),
      what: `the same of all lasting copies: every table and the lake (${copies.toFixed(1)} bytes); with the log's hour it is ${(copies + (stores['log'] ?? 0)).toFixed(0)}`,
      value: spread([copies / ndjson.compressed]),
      details,
    },
  ];
}

/** Bytes an event as NDJSON, plain and as zstd -3 (chDB's, which is the library's). */
async function compressedNdjson(events: number): Promise<{ plain: number; compressed: number }> {
  const folder = newFolder();
  const [plain, compressed] = [join(folder, 'events.ndjson'), join(folder, 'events.ndjson.zst')];
  const file = openSync(plain, 'w');
  let count = 0;
  for (let batch = 0; count < events; batch++, count += EVENTS_PER_BATCH) {
    const body = JSON.parse(new BatchTemplate(batch, EVENTS_PER_BATCH).fill(Date.now()).toString()) as { events: unknown[] };
    writeSync(file, body.events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  }
  closeSync(file);
  await runSql(join(folder, 'warehouse'), [
    `INSERT INTO FUNCTION file(${literal(compressed)}, 'TSVRaw', 'line String') SELECT line FROM file(${literal(plain)}, 'LineAsString', 'line String')
     SETTINGS output_format_compression_level = 3, max_threads = 1`,
  ]);
  const sizes = { plain: (await stat(plain)).size / count, compressed: (await stat(compressed)).size / count };
  removeFolder(folder);
  return sizes;
}
