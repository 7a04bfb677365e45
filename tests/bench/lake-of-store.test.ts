/** The lake that the benchmarks make of a store holds what the store does: else SQL questions over it would be timed on other data. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { literal } from '@tidemark/warehouse';
import { openMigrated } from '@tidemark/warehouse/testing';
import { expect, it } from 'vitest';
import { lakeRows } from '../../bench/oracle/lake-rows.ts';
import { fill } from '../../bench/questions/store/fill.ts';
import { makeLake } from '../../bench/questions/store/lake-of-store.ts';
import type { VisitsPlan } from '../../bench/questions/store/visits.ts';

it('has every event of the table once, in files of its day, with the same values', async () => {
  const dataPath = mkdtempSync(join(tmpdir(), 'tidemark-lake-of-store-'));
  const plan: VisitsPlan = { project: "shop's", endMs: Date.parse('2026-05-08'), events: 120_000, days: 2, seed: 5 };
  const path = join(dataPath, 'warehouse');
  const empty = await openMigrated({ path, connections: 1 });
  await fill(empty, plan);
  await empty.close();
  await makeLake({ dataPath, plan });
  expect(lakeRows(dataPath)).toBe(plan.events);

  const warehouse = await openMigrated({ path, connections: 1 });
  const texts = ['event_name', 'event_id', 'user_id', 'anonymous_id', 'country', 'channel', 'page_path', 'context', 'traits'];
  const price = (properties: string): string => `round(sum(JSONExtractFloat(${properties}, 'price')), 2)`;
  const told = async (from: string, properties: string): Promise<unknown> => {
    const facts = `count() AS rows, uniqExact(offset) AS offsets, sum(bot) AS bots, ${texts.map((column) => `sum(cityHash64(toString(${column}), offset)) AS ${column}_hash`).join(', ')}, ${price(properties)} AS worth`;
    return (await warehouse.query(`SELECT toString(project) AS project, toDate(time) AS day, ${facts} FROM ${from} GROUP BY project, day ORDER BY day SETTINGS use_hive_partitioning = 0`)).rows;
  };
  const files = `file(${literal(join(dataPath, 'lake/date=*/**/*.parquet'))}, 'Parquet')`;
  const inLake = (await told(files, 'properties')) as { day: string }[];
  expect(inLake).toEqual(await told('events', 'toJSONString(properties)'));
  expect(inLake).toHaveLength(2);
  const { rows } = await warehouse.query<{ path: string; days: number; rows: number }>(`SELECT _path AS path, uniqExact(toDate(time)) AS days, count() AS rows FROM ${files} GROUP BY path SETTINGS use_hive_partitioning = 0`);
  expect(rows.every(({ path: file, days, rows: held }) => days === 1 && held < 50_000 && file.includes('/hour=all/'))).toBe(true);
  expect(rows).toHaveLength(4);
  await warehouse.close();
  rmSync(dataPath, { recursive: true, force: true });
});
