import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openEnvironment } from '../environment.ts';
import { checkEnvironment } from './environment-check.ts';
import { PageFault, PageFile } from './page-file.ts';
import { flipBit, seededRandom } from './testing.ts';
import { walkTree } from './tree.ts';

const CASES = Number(process.env['TIDEMARK_DAMAGE_CASES'] ?? 120);
const SEED = Number(process.env['TIDEMARK_SEED'] ?? Date.now() % 1_000_000);

const folder = mkdtempSync(join(tmpdir(), 'tidemark-pages-'));
const file = join(folder, 'data.mdb');
afterAll(() => rmSync(folder, { recursive: true }));

/** Deep trees, long values, free pages: all that a page can be. */
beforeAll(async () => {
  const env = openEnvironment(folder, false);
  await env.meta.put('epoch', 'abcdef0123456789');
  for (let round = 0; round < 30; round++) {
    const puts: Promise<boolean>[] = [];
    const batches = env.batches('events', 0);
    for (let i = 0; i < 20; i++) puts.push(batches.put(round * 20 + i, Buffer.alloc((i * i * 31) % 9_000, i)));
    for (let i = 0; i < 60; i++) puts.push(env.receipts.put([`project-${i % 7}`, `source-${i}`, round * 60_000], i));
    await Promise.all(puts);
    if (round % 3 === 0) for (let i = 0; i < 25; i++) await batches.remove(round * 10 + i);
  }
  await env.root.close();
});

/** What is said of it, a hash of all that can be read, and how many entries that are. */
function look(path: string): { faults: string[]; content: string; entries: number } {
  const hash = createHash('sha256');
  let entries = 0;
  const faults = checkEnvironment(path, (table, { key, value }) => {
    hash.update(`${table}\0${JSON.stringify(key)}\0`).update(value());
    entries++;
  });
  return { faults, content: hash.digest('hex'), entries };
}

it('has nothing to say of a file that is well, whatever its trees look like', () => {
  const tables: Record<string, number> = {};
  expect(checkEnvironment(file, (table) => void (tables[table] = (tables[table] ?? 0) + 1))).toEqual([]);
  expect(tables).toMatchObject({ meta: 1, receipts: 1_800 });
  expect(tables['events-0']).toBeGreaterThan(200);
});

it(`tells every flipped bit but those inside a value, or a key that keeps its place (${CASES} cases, seed ${SEED})`, () => {
  const good = readFileSync(file);
  const sound = look(file);
  const copy = join(folder, 'flipped.mdb');
  const random = seededRandom(SEED);
  let told = 0;
  for (let round = 0; round < CASES; round++) {
    // What is inside keys and values is log-check.ts's to tell.
    const { bytes, at } = flipBit(good, random, round % 2 === 0);
    writeFileSync(copy, bytes);
    const found = look(copy);
    if (found.faults.length > 0) told++;
    else expect(found.entries, `byte ${at}`).toBe(sound.entries);
  }
  expect(told).toBeGreaterThan(0);
});

it('tells every cut', () => {
  const bytes = readFileSync(file);
  const copy = join(folder, 'cut.mdb');
  for (const length of [0, 10, 4096, 8192, 8193, bytes.length >> 1, bytes.length - 4096 * 8]) {
    writeFileSync(copy, bytes);
    truncateSync(copy, length);
    const { faults } = look(copy);
    // A cut of nothing but free pages at the end changes nothing.
    if (faults.length === 0) expect(look(copy)).toEqual(look(file));
    else expect(faults[0]).not.toBe('');
  }
});

it('tells a page that is free and used at once: the next write to it would break what stands there', () => {
  const opened = new PageFile(file);
  const lists: Buffer[] = [];
  walkTree(opened, opened.meta.free, { name: 'free', visit: ({ value }) => lists.push(Buffer.from(value())), onFault: () => {}, compare: () => -1 });
  opened.close();
  const list = lists.find((each) => each.readBigInt64LE(8) > 0n)!;
  const bytes = readFileSync(file);
  // Pages of before may hold the same list.
  for (let at = bytes.indexOf(list); at !== -1; at = bytes.indexOf(list, at + 8)) bytes.writeBigInt64LE(BigInt(opened.meta.main.root!), at + 8);
  const copy = join(folder, 'twice.mdb');
  writeFileSync(copy, bytes);
  expect(look(copy).faults).toEqual([expect.stringMatching(/^the list of free pages: page \d+ is used twice/)]);
});

it('tells which table, and goes on beside it', () => {
  const seen: unknown[] = [];
  const faults = checkEnvironment(file, (table, { key }) => {
    if (table === 'meta') throw new PageFault('this one is broken');
    seen.push(key);
  });
  expect(faults).toEqual(['table meta: this one is broken']);
  expect(seen.length).toBeGreaterThan(1_000);
});
