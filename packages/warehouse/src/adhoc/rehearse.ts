/**
 * What a process does while it waits for its query: it judges and runs queries of our own over a few rows drawn by chance. So what
 * the next one needs of the engine is loaded, which is 500 MB of code that nobody has touched yet.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { literal } from '../literal.ts';
import type { AdhocRehearsal } from './order.ts';
import { Planner } from './planner.ts';
import type { QueryEngine } from './query-engine.ts';

const ROWS = 50;
const SEED = 1;
const TIMEOUT_MS = 10_000;

/** Nothing of it is left in the engine. `folder`: not there yet. Throws what the engine throws. */
export async function rehearse(engine: QueryEngine, { tables, views, estimated, queries }: AdhocRehearsal, memoryBytes: number, folder: string): Promise<void> {
  for (const { name, columns } of tables) {
    mkdirSync(join(folder, name), { recursive: true });
    const drawn = `SELECT * FROM generateRandom(${literal(columns)}, ${SEED}, 8, 2) LIMIT ${ROWS}`;
    const format = name === estimated ? 'Parquet' : 'Native';
    await engine.do(`INSERT INTO FUNCTION file(${literal(join(folder, name, `0.${format.toLowerCase()}`))}, ${literal(format)}) ${drawn} SETTINGS output_format_parquet_compression_method = 'zstd'`);
  }
  const bounds = { timeoutMs: TIMEOUT_MS, memoryBytes, rowsToRead: Number.MAX_SAFE_INTEGER, rows: ROWS, bytes: 1 << 20 };
  const planner = new Planner(engine, { tables, views, estimated: { table: estimated, extents: [{ fromMs: 0, toMs: 1, rows: ROWS }] }, bounds, explain: false });
  for (const query of queries) {
    await planner.prepare();
    const { canonical, reads } = await planner.judge(query);
    await planner.clear(reads);
    await planner.overFiles(folder, reads);
    for await (const chunk of engine.session.queryStream(canonical, { format: 'JSONCompactEachRowWithNamesAndTypes' })) chunk.text();
    await planner.forget();
  }
}
