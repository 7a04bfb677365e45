import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PREFIX, RowWriter, STRING_COLUMNS, writeInt64, type StoredEvent } from '@tidemark/event';
import { ChdbWarehouse, literal, Staging } from '@tidemark/warehouse';
import { coalesce } from './coalesce.ts';
import { compactLake } from './compact.ts';
import { Lake } from './lake.ts';
import { LakeCorrupt, Manifest, type LakeFile } from './manifest.ts';

const folder = mkdtempSync(join(tmpdir(), 'tidemark-lake-'));
let warehouse: ChdbWarehouse;
beforeAll(async () => {
  warehouse = await ChdbWarehouse.open({ path: join(folder, 'warehouse') });
});
afterAll(async () => {
  for (const staging of stagings) await staging.close();
  await warehouse.close();
  rmSync(folder, { recursive: true, force: true });
});

const NO_TEXTS = Object.fromEntries(STRING_COLUMNS.map(([, property]) => [property, '']));

/** Rows at these times, with offsets from `from` on. */
function rowsAt(times: readonly number[], from: number): Buffer {
  const written: Buffer[] = [];
  const rows = new RowWriter();
  for (const [index, timeMs] of times.entries()) {
    const event = { ...NO_TEXTS, timeMs, eventId: `e${timeMs}-${index}`, eventName: 'a=../b {x}', properties: '{}', flags: 0, bot: false, sequence: 0, receivedAtMs: timeMs, originalTimeMs: timeMs };
    rows.write(event as unknown as StoredEvent);
    const row = Buffer.from(rows.take());
    writeInt64(row, PREFIX.offset, from + index);
    written.push(row);
  }
  return Buffer.concat(written);
}

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 0, 15);

const stagings: Staging[] = [];

async function openStaging(): Promise<Staging> {
  const staging = await Staging.open(warehouse, warehouse.temporaryFolder);
  stagings.push(staging);
  return staging;
}

async function landing(lake: Lake, staging: Staging, from: number, times: readonly number[]): Promise<void> {
  await staging.load([rowsAt(times, from)]);
  await lake.land({ epoch: 'e', partition: 0, from, to: from + times.length }, false);
}

async function idsIn(lake: Lake): Promise<string[]> {
  const ids: string[] = [];
  for (const { path, rows: expected } of lake.manifest.files) {
    const { rows } = await warehouse.query<{ event_id: string }>(`SELECT event_id FROM file(${literal(join(lake.folder, path))}, 'Parquet')`);
    expect(rows.length).toBe(expected);
    ids.push(...rows.map((row) => row.event_id));
  }
  return ids.toSorted();
}

describe('lake', () => {
  it('splits landing files by day and takes late events into the file of their day', async () => {
    const lake = await Lake.open(join(folder, 'lake'), warehouse);
    const staging = await openStaging();
    await landing(lake, staging, 0, [START_MS, START_MS + 1, START_MS + 24 * HOUR_MS]);
    await landing(lake, staging, 3, [START_MS + 48 * HOUR_MS, START_MS + 5]);
    const before = await idsIn(lake);
    expect(await compactLake(lake, warehouse)).toEqual({ read: 2, written: 3, rows: 5 });
    expect([...lake.manifest.files].map(({ path }) => path.replace(/[^/]+$/, '')).toSorted()).toEqual([
      'date=2026-01-15/hour=all/', 'date=2026-01-16/hour=all/', 'date=2026-01-17/hour=all/',
    ]);
    expect(await idsIn(lake)).toEqual(before);
    await landing(lake, staging, 5, [START_MS + 7]);
    expect(await compactLake(lake, warehouse)).toEqual({ read: 2, written: 1, rows: 4 });
    expect((await idsIn(lake)).length).toBe(6);
    expect([...lake.manifest.files].find(({ path }) => path.includes('date=2026-01-15'))?.ranges).toEqual([{ epoch: 'e', partition: 0, from: 0, to: 6 }]);
    expect(await compactLake(lake, warehouse)).toEqual({ read: 0, written: 0, rows: 0 });
    // A second try of a range whose landing file was compacted meanwhile writes nothing again.
    await lake.land({ epoch: 'e', partition: 0, from: 5, to: 6 }, true);
    expect((await idsIn(lake)).length).toBe(6);
    // One that reaches further than the first writes only what is behind it.
    await staging.load([rowsAt([START_MS + 7, START_MS + 8], 5)]);
    await lake.land({ epoch: 'e', partition: 0, from: 5, to: 7 }, true);
    expect((await idsIn(lake)).length).toBe(7);
    lake.close();
  });

  it('keeps the ranges of which nothing was stored, and waits with them for rows', async () => {
    const lake = await Lake.open(join(folder, 'empty'), warehouse);
    const staging = await openStaging();
    await staging.load([]);
    await lake.land({ epoch: 'e', partition: 0, from: 0, to: 3 }, false);
    expect(await compactLake(lake, warehouse)).toEqual({ read: 0, written: 0, rows: 0 });
    await landing(lake, staging, 3, [START_MS]);
    expect(await compactLake(lake, warehouse)).toEqual({ read: 2, written: 1, rows: 1 });
    expect([...lake.manifest.files].flatMap(({ ranges }) => ranges)).toEqual([{ epoch: 'e', partition: 0, from: 0, to: 4 }]);
    lake.close();
  });

  it('splits what lies on 256 days, one of them busy, with the memory of a few: more than 240 writers at once failed', async () => {
    const lake = await Lake.open(join(folder, 'many-days'), warehouse);
    const staging = await openStaging();
    const times = [...Array.from({ length: 256 }, (_, day) => START_MS - day * 24 * HOUR_MS), START_MS + HOUR_MS, START_MS + 2 * HOUR_MS];
    await landing(lake, staging, 0, times);
    expect(await compactLake(lake, warehouse, { maxFiles: 100, maxRows: 1_000_000, busyDayRows: 2 })).toEqual({ read: 1, written: 258, rows: 258 });
    const { rows } = await warehouse.query<{ ids: number }>(`SELECT uniqExact(event_id) AS ids FROM file(${literal(join(lake.folder, 'date=*/hour=*/*.parquet'))}, 'Parquet') SETTINGS use_hive_partitioning = 0`);
    expect(Number(rows[0]!.ids)).toBe(times.length);
    lake.close();
  });

  it('splits a busy day by hour, also what comes for it later, and leaves a quiet one beside it whole', async () => {
    const lake = await Lake.open(join(folder, 'busy'), warehouse);
    const staging = await openStaging();
    const bounds = { maxFiles: 100, maxRows: 1e6, busyDayRows: 2 };
    await landing(lake, staging, 0, [START_MS, START_MS + HOUR_MS, START_MS + HOUR_MS + 1, START_MS + 30 * HOUR_MS]);
    await compactLake(lake, warehouse, bounds);
    const folders = () => [...lake.manifest.files].map(({ path }) => path.replace(/[^/]+$/, '')).toSorted();
    const expected = ['date=2026-01-15/hour=00/', 'date=2026-01-15/hour=01/', 'date=2026-01-16/hour=all/'];
    expect(folders()).toEqual(expected);
    await landing(lake, staging, 4, [START_MS + 5]);
    await compactLake(lake, warehouse, bounds);
    expect(folders()).toEqual(expected);
    expect((await idsIn(lake)).length).toBe(5);
    lake.close();
  });

  it('sweeps what a kill left and keeps what the manifest names', async () => {
    let lake = await Lake.open(join(folder, 'swept'), warehouse);
    const staging = await openStaging();
    await landing(lake, staging, 0, [START_MS]);
    const kept = join(lake.folder, [...lake.manifest.files][0]!.path);
    lake.close();
    for (const litter of ['landing/x.parquet', 'landing/x.parquet.partial']) writeFileSync(join(folder, 'swept', litter), 'half');
    lake = await Lake.open(join(folder, 'swept'), warehouse);
    expect(existsSync(join(folder, 'swept/landing/x.parquet'))).toBe(false);
    expect(existsSync(join(folder, 'swept/landing/x.parquet.partial'))).toBe(false);
    expect(existsSync(kept)).toBe(true);
    lake.close();
    // Without its manifest everything would be litter.
    rmSync(join(folder, 'swept/manifest.ndjson'));
    await expect(Lake.open(join(folder, 'swept'), warehouse)).rejects.toBeInstanceOf(LakeCorrupt);
    expect(existsSync(kept)).toBe(true);
  });

});

describe('manifest', () => {
  const file = (path: string): LakeFile => ({ path, rows: 1, bytes: 1, ranges: [], fromMs: 0, toMs: 0 });

  it('forgets a torn last line, goes on behind it, and refuses a broken line in the middle', () => {
    const path = join(folder, 'manifest.ndjson');
    let manifest = new Manifest(path);
    manifest.change({ add: [file('a'), file('b')], remove: [] });
    manifest.change({ add: [file('c')], remove: ['a'] });
    manifest.close();
    writeFileSync(path, `${readFileSync(path, 'utf8')}01234567 {"add":[{"pa`);
    manifest = new Manifest(path);
    expect([...manifest.files].map((f) => f.path)).toEqual(['b', 'c']);
    manifest.change({ add: [file('d')], remove: [] });
    manifest.close();
    manifest = new Manifest(path);
    expect([...manifest.files].map((f) => f.path)).toEqual(['b', 'c', 'd']);
    manifest.close();
    const broken = Buffer.from(readFileSync(path));
    broken[20]! ^= 1;
    writeFileSync(path, broken);
    expect(() => new Manifest(path)).toThrow(LakeCorrupt);
  });

  it('refuses to go on without lines that were synced: no flip and no cut is taken for a torn write, but in a copy', () => {
    const path = join(folder, 'damaged', 'manifest.ndjson');
    mkdirSync(dirname(path));
    const manifest = new Manifest(path);
    manifest.change({ add: [file('a')], remove: [] });
    const first = readFileSync(path).length;
    manifest.change({ add: [file('b')], remove: [] });
    manifest.close();
    const good = readFileSync(path);
    for (const length of [0, 5, first, first + 1, good.length - 1]) {
      writeFileSync(path, good);
      truncateSync(path, length);
      expect(() => new Manifest(path), `cut to ${length}`).toThrow(LakeCorrupt);
      expect(readFileSync(path).length).toBe(length);
    }
    for (let at = 0; at < good.length; at++) {
      const bad = Buffer.from(good);
      bad[at]! ^= 1 << (at % 8);
      writeFileSync(path, bad);
      let files: string[] | undefined;
      try {
        const opened = new Manifest(path);
        files = [...opened.files].map((f) => f.path);
        opened.close();
      } catch (error) {
        expect(error).toBeInstanceOf(LakeCorrupt);
      }
      // A letter of the checksum may have become a capital one.
      if (files !== undefined) expect(files, `byte ${at}`).toEqual(['a', 'b']);
    }
    // Beside a copy the note says nothing: a copy may be older than it.
    writeFileSync(`${path}.copy`, good.subarray(0, first));
    renameSync(`${path}.copy`, path);
    const copy = new Manifest(path);
    expect([...copy.files].map((f) => f.path)).toEqual(['a']);
    copy.close();
  });

  it('joins adjacent ranges', () => {
    const range = (from: number, to: number, epoch = 'e') => ({ epoch, partition: 0, from, to });
    expect(coalesce([range(5, 7), range(0, 5), range(8, 9), range(1, 2, 'f')])).toEqual([range(0, 7), range(8, 9), range(1, 2, 'f')]);
  });
});
