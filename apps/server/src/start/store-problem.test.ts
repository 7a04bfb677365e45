import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Manifest } from '@tidemark/lake';
import { LogCorrupt } from '@tidemark/log';
import { ChdbWarehouse, WarehouseError } from '@tidemark/warehouse';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStore, openWarehouse } from './store-problem.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'tidemark-stores-'))));
afterEach(() => rmSync(folder, { recursive: true }));

test('a broken manifest of the lake is told in a sentence', async () => {
  const path = join(folder, 'manifest.ndjson');
  writeFileSync(path, 'broken\nbroken\n');
  await expect(openStore(async () => new Manifest(path))).rejects.toMatchObject({
    name: 'StartProblem',
    code: 'lake_corrupt',
    message: `The lake's manifest ${path} is broken at byte 0.`,
  });
});

test('so is a broken batch of the log; another error stays what it is', async () => {
  const broken = new LogCorrupt('The batch at offset 7 of events-0 fails its checksum; restore the log from a backup.');
  await expect(openStore(() => Promise.reject(broken))).rejects.toMatchObject({
    code: 'log_corrupt',
    message: 'The batch at offset 7 of events-0 fails its checksum.',
  });
  const tables = new WarehouseError("Unknown expression identifier `range_start` in scope SELECT range_start.\nStack", 47);
  await expect(openStore(() => Promise.reject(tables))).rejects.toMatchObject({
    code: 'warehouse_unavailable',
    message: 'The tables of the warehouse are not as they were made: Unknown expression identifier `range_start` in scope SELECT range_start.',
  });
  const other = new Error('other');
  await expect(openStore(() => Promise.reject(other))).rejects.toBe(other);
});

test("a warehouse that can't be opened names its folder and the reason", async () => {
  mkdirSync(join(folder, 'warehouse'));
  writeFileSync(join(folder, 'warehouse', 'data'), 'a file in the place of the folder');
  const path = join(folder, 'warehouse');
  await expect(openWarehouse(path, () => ChdbWarehouse.open({ path }))).rejects.toMatchObject({
    code: 'warehouse_unavailable',
    message: expect.stringContaining(`The warehouse ${path} can't be opened: `) as string,
  });
});
