import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { frames } from '../../contract.ts';
import { openEnvironment } from '../environment.ts';
import { LmdbPositions } from '../positions.ts';
import { LmdbLogWriter } from '../writer.ts';
import { checkLog, endOf, missingInFront } from './log-check.ts';
import { checkPositions } from './positions-check.ts';
import { flipBit, seededRandom } from './testing.ts';

const CASES = Number(process.env['TIDEMARK_DAMAGE_CASES'] ?? 300);
const SEED = Number(process.env['TIDEMARK_SEED'] ?? Date.now() % 1_000_000);

const folder = mkdtempSync(join(tmpdir(), 'tidemark-log-check-'));
const log = join(folder, 'log');
const data = join(log, 'data.mdb');
let good: Buffer;
let epoch: string;
afterAll(() => rmSync(folder, { recursive: true }));

beforeAll(async () => {
  const writer = await LmdbLogWriter.open(log);
  epoch = writer.epoch;
  for (let i = 0; i < 120; i++) {
    const records = Array.from({ length: 1 + (i % 7) }, (_, index) => `record ${i}.${index} ${'x'.repeat((i * 37) % 900)}`);
    const receipts = [{ project: 'p', source: `s${i % 3}`, minuteMs: 1_763_000_040_000 + (i >> 3) * 60_000, received: records.length }];
    const topics = i % 5 === 0 ? [frames('events', records), frames('quarantine', ['bad'])] : [frames('events', records)];
    await writer.append(topics, receipts, writer.stamp());
  }
  await writer.drop('events', 0, 60, Number.MAX_SAFE_INTEGER);
  await writer.close();
  good = readFileSync(data);
});

/** All records with their offsets, and all counts. */
function content(): { faults: string[]; all: string } {
  const lines: string[] = [];
  const check = checkLog(log, {
    onBatch: (topic, base, bytes) => lines.push(`${topic} ${base} ${crc32(bytes)}`),
    onReceipt: (key, count) => lines.push(`${JSON.stringify(key)} ${count}`),
  })!;
  return { faults: check.faults, all: `${check.epoch}\n${lines.join('\n')}` };
}

it('finds a log well, and says what it holds', () => {
  const check = checkLog(log)!;
  expect(check).toMatchObject({ faults: [], newer: false, epoch });
  expect(check.topics.events.readable.length).toBe(1);
  expect(endOf(check.topics.events)).toBeGreaterThan(400);
  expect(endOf(check.topics.quarantine)).toBe(24);
  expect(missingInFront('events', { epoch, offset: 10, metadata: '' }, check)).toMatch(/its events from 10 to \d+ are missing/);
  expect(missingInFront('events', { epoch, offset: 100, metadata: '' }, check)).toBeUndefined();
  expect(checkLog(join(folder, 'none'))).toBeUndefined();
});

it(`tells every flipped bit that changes a record, an offset, a count or the epoch (${CASES} cases, seed ${SEED})`, () => {
  const sound = content();
  const random = seededRandom(SEED);
  let told = 0;
  for (let round = 0; round < CASES; round++) {
    const { bytes, at } = flipBit(good, random, round % 2 === 0);
    writeFileSync(data, bytes);
    const found = content();
    if (found.faults.length > 0) told++;
    else expect(found.all, `byte ${at}`).toBe(sound.all);
  }
  writeFileSync(data, good);
  expect(told).toBeGreaterThan(0);
});

it('looks only at the checksums that somebody still needs', () => {
  const bytes = Buffer.from(good);
  for (let at = good.indexOf('record 90.0 '); at !== -1; at = good.indexOf('record 90.0 ', at + 1)) bytes[at]! ^= 4;
  writeFileSync(data, bytes);
  const { faults, topics } = checkLog(log)!;
  expect(faults).toEqual([expect.stringMatching(/^table events-0: the batch at offset \d+, of \d+ records, fails its checksum$/)]);
  expect(topics.events.readable.length).toBe(2);
  expect(checkLog(log, { from: { events: endOf(topics.events) } })!.faults).toEqual([]);
  writeFileSync(data, good);
});

it('knows a batch that a newer version wrote from a broken one', () => {
  for (const [format, newer] of [[4, true], [7, true], [3, false], [0, false]] as const) {
    const bytes = Buffer.from(good);
    for (let at = good.indexOf('record 119.0 '); at !== -1; at = good.indexOf('record 119.0 ', at + 1)) bytes[at - 24] = format;
    writeFileSync(data, bytes);
    expect(checkLog(log), `format ${format}`).toMatchObject({ newer, faults: [expect.stringContaining(newer ? 'was written by a newer Tidemark' : 'fails its checksum')] });
  }
  writeFileSync(data, good);
});

it('holds each total of a source against its minutes', async () => {
  const copy = join(folder, 'counts');
  cpSync(log, copy, { recursive: true });
  const env = openEnvironment(copy, false);
  await env.receipts.put(['p', 's1'], (env.receipts.get(['p', 's1']) ?? 0) + 256);
  await env.root.close();
  expect(checkLog(copy)!.faults).toEqual([expect.stringMatching(/^of p\/s1 it counted \d+ events in all, and \d+ by minutes$/)]);
});

it('misses the last commit when an older meta page came back, and when an older file did', async () => {
  const older = join(folder, 'older');
  cpSync(log, older, { recursive: true });
  const writer = await LmdbLogWriter.open(log);
  await writer.append([frames('events', ['the last one'])], [{ project: 'p', source: 's0', minuteMs: 60_000, received: 1 }], writer.stamp());
  await writer.close();
  expect(checkLog(log)!.faults).toEqual([]);
  const newest = readFileSync(data);
  // All that was written last: a disk that only said so.
  writeFileSync(data, readFileSync(join(older, 'data.mdb')));
  expect(checkLog(log)!.faults).toEqual([expect.stringMatching(/^its events from \d+ to \d+ were acknowledged, and are missing$/)]);
  // A copy that was put in its place is another file: what becomes of it is not damage.
  cpSync(join(older, 'data.mdb'), data);
  expect(checkLog(log)!.faults).toEqual([]);
  // One bit of its number: LMDB would take the other page, and not say so.
  const slot = newest.readBigUInt64LE(24 + 128) > newest.readBigUInt64LE(4096 + 24 + 128) ? 0 : 4096;
  newest[slot + 24 + 128]! ^= 8;
  writeFileSync(data, newest);
  const env = openEnvironment(log, true);
  expect(env.meta.get('epoch'), 'LMDB itself sees nothing').toBe(epoch);
  await env.root.close();
  expect(checkLog(log)!.faults).toEqual([expect.stringContaining('do not follow each other')]);
});

it('positions: a flipped bit is told, and what is told nothing of is as it was', async () => {
  const path = join(folder, 'positions');
  const positions = new LmdbPositions(path);
  for (let offset = 0; offset < 40; offset++) await positions.set(offset % 4 === 0 ? 'quarantine' : 'events', 0, { epoch, offset, metadata: '{"to":7}' });
  await positions.close();
  const sound = checkPositions(path);
  expect(sound).toMatchObject({ faults: [], positions: { events: { offset: 39 }, quarantine: { offset: 36 } } });
  const bytes = readFileSync(join(path, 'data.mdb'));
  const random = seededRandom(SEED);
  for (let round = 0; round < CASES; round++) {
    const flipped = flipBit(bytes, random, false);
    writeFileSync(join(path, 'data.mdb'), flipped.bytes);
    const found = checkPositions(path);
    if (found.faults.length === 0) expect(found, `byte ${flipped.at}`).toEqual(sound);
  }
});
