/** A timeline of before migration 014 keeps every row and every text, whenever the upgrade was cut short. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ChdbWarehouse } from './chdb/chdb-warehouse.ts';
import { literal } from './literal.ts';
import { migrateWarehouse, warehouseMigrations } from './migrate.ts';
import type { Warehouse } from './warehouse.ts';

const folder = mkdtempSync(join(tmpdir(), 'tidemark-pack-'));
let warehouse: ChdbWarehouse;
const BEFORE = warehouseMigrations().filter(({ name }) => name < '014');
const PACKED = warehouseMigrations().filter(({ name }) => name < '015');

beforeAll(async () => {
  warehouse = await ChdbWarehouse.open({ path: folder });
});
afterAll(async () => {
  await warehouse.close();
  rmSync(folder, { recursive: true });
});

const COLUMNS =
  'project, raw_id, time, received_at, original_time, event_name, event_id, user_id, anonymous_id, session_id, sequence, type, source, schema_version, group_id, previous_id, bot, flags, properties, context, traits, epoch, partition, offset';
/** As hostile as ids and texts may be. */
const TEXTS = ['', 'plain', 'a\u001eb', '"\\\n\t\u0000', '["x"]', 'é🌊', "'; --"];
const JSON_TEXTS = ['{}', '', '{"a":1.0, "b":\n[null]}', '{"sep":"\\u001e","quote":"\\"\\\\"}', '{"é":"🌊"}'];
const of = (texts: readonly string[], shift: number): string => `[${texts.map((text) => literal(text)).join(', ')}][1 + (number + ${shift}) % ${texts.length}]`;

async function rows(): Promise<unknown[]> {
  return (await warehouse.query(`SELECT ${COLUMNS} FROM timeline ORDER BY offset`)).rows;
}

/** The table of before, with rows of two months, one of them deleted. */
async function makeOlder(): Promise<unknown[]> {
  await migrateWarehouse(warehouse, BEFORE);
  const [time, other] = [0, 1].map((ms) => `toDateTime64('2015-12-31 00:00:00', 3, 'UTC') + toIntervalDay(number % 30) + toIntervalMillisecond(number * 1001 + ${ms})`);
  await warehouse.command(`INSERT INTO timeline (${COLUMNS}) SELECT 'p', if(anonymous_id != '', anonymous_id, user_id), ${time}, ${other}, ${other}, ${of(TEXTS, 2)}, toString(number), ${of(TEXTS, 3)} AS user_id,
    ${of(TEXTS, 1)} AS anonymous_id, ${of(TEXTS, 4)}, number - 50, ${of(TEXTS, 5)}, ${of(TEXTS, 6)}, ${of(TEXTS, 0)}, ${of(TEXTS, 3)}, ${of(TEXTS, 2)}, number % 2, number % 8,
    ${of(JSON_TEXTS, 0)}, ${of(JSON_TEXTS, 1)}, ${of(JSON_TEXTS, 2)}, 'e', 3, number FROM numbers(200)`);
  await warehouse.command('DELETE FROM timeline WHERE offset = 7 SETTINGS lightweight_deletes_sync = 2');
  await warehouse.command('RENAME TABLE timeline TO older');
  await warehouse.command('CREATE TABLE timeline AS older');
  return (await warehouse.query(`SELECT ${COLUMNS} FROM older ORDER BY offset`)).rows;
}

/** As if the upgrade had never begun. */
async function putBackOlder(): Promise<void> {
  for (const table of ['timeline', 'timeline_unpacked']) await warehouse.command(`DROP TABLE IF EXISTS ${table} SYNC`);
  await warehouse.command("DELETE FROM migrations WHERE name >= '014' SETTINGS lightweight_deletes_sync = 2");
  await warehouse.command("ALTER TABLE migrations MODIFY COMMENT ''");
  await warehouse.command('CREATE TABLE timeline AS older');
  await warehouse.command('INSERT INTO timeline SELECT * FROM older');
}

/** Fails before its `at`-th command. */
function cutAt(at: number): Warehouse {
  let commands = 0;
  return {
    query: (sql, bounds) => warehouse.query(sql, bounds),
    binary: (sql, aim) => warehouse.binary(sql, aim),
    stream: (sql, format) => warehouse.stream(sql, format),
    async command(sql, bounds) {
      if (commands++ === at) throw new Error('cut');
      await warehouse.command(sql, bounds);
    },
    close: async () => {},
  };
}

it('holds the same rows after the upgrade, and after one that was cut short at any statement', async () => {
  const expected = await makeOlder();
  expect(expected.length).toBe(199);
  let cuts = 0;
  for (let isCut = true; isCut; cuts++) {
    await putBackOlder();
    isCut = await migrateWarehouse(cutAt(1 + cuts), PACKED).then(
      () => false,
      () => true,
    );
    await migrateWarehouse(warehouse, PACKED);
    expect(await rows(), `cut at command ${cuts}`).toEqual(expected);
    const { rows: left } = await warehouse.query("SELECT name FROM system.tables WHERE database = currentDatabase() AND name = 'timeline_unpacked'");
    expect(left).toEqual([]);
  }
  // Two statements, each noted, the newest noted, two months, the end of the old table, and once to the end.
  expect(cuts).toBe(5 + 2 * 3 + 1 + 1);
});
